"""Exact rates of a model: what each meter pays, and the same compiled to integers of pico-USD."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from taximeter_processor.model import Line, Priced, Quantity, Unpriced
from taximeter_processor.money import PICO_PER_USD, round_half_even
from taximeter_processor.pricing.meters import OUTPUT, OUTPUT_REASONING, REQUEST, UNITS
from taximeter_processor.pricing.overrides import PriceOverride

ALWAYS: Final = -1
"""The step that holds whatever the request's size."""

Steps: TypeAlias = tuple[tuple[int, Fraction], ...]
"""(start, dollars for one unit), ascending: above `start` input tokens all tokens pay the rate."""

Units: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The catalogue's units: usage key to its `dimensions`."""


class Rate(NamedTuple):
    """What one unit costs, and who says so."""

    steps: Steps
    source: str
    override: PriceOverride | None = None
    """The user's own price that set or changed it."""


Rates: TypeAlias = Mapping[str, Rate]
"""By the catalogue's usage key, e.g. `cache_read_tokens`."""


class RateCard(NamedTuple):
    """The rates of one model in one tier over one period, before compiling."""

    model: str
    source: str
    paid: Rates
    standard: Rates
    """What the standard tier pays over the same period."""
    least: Mapping[str, int] = MappingProxyType({})
    """What a request that uses a meter at all is billed at the least."""


def billed_as(usage_key: str, rates: Rates, units: Units) -> str | None:
    """The most specific unit with a rate of its own that this one is a kind of.

    Cached audio without a rate is cached input, audio input or input, whichever is nearest. None
    when nothing covers it, or two do equally: then the price list does not say.
    """
    wanted = units[usage_key]["dimensions"].items()
    kinds = [key for key in rates if units[key]["dimensions"].items() <= wanted]
    kinds.sort(key=lambda key: len(units[key]["dimensions"]), reverse=True)
    if len(kinds) > 1 and len(units[kinds[0]]["dimensions"]) == len(units[kinds[1]]["dimensions"]):
        return None
    return kinds[0] if kinds else None


def usd_text(rate: Fraction) -> str:
    """A plain decimal when it is finite (`0.00000025`), else `n/d`."""
    twos = fives = 0
    rest = rate.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return str(rate)
    places = max(twos, fives)
    digits = str(rate.numerator * 10**places // rate.denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def rate_above(steps: Steps, start: int) -> Fraction:
    """The rate of requests just larger than `start` input tokens."""
    return [usd for above, usd in steps if above <= start][-1]


class _MeterRate(NamedTuple):
    """One meter's rates, as numerators of pico-USD for one unit."""

    usd: str
    paid: int
    cache_saves: int
    """What it would cost more at the plain rate of the standard tier."""
    tier_saves: int
    """What it would cost more in the standard tier."""
    billed_as: tuple[str, str, str]
    """The units of the paid, plain and standard rate: lines of one unit are rounded together."""


class _Band(NamedTuple):
    """The rates of requests between two context thresholds, over one denominator."""

    denominator: int
    meters: Mapping[str, _MeterRate]


class TextRates(NamedTuple):
    """Whole pico-USD for a token of text, in requests of at most a size: the short way to a cost.

    Nearly every call is one of these, and needs no list of meters to be priced.
    """

    most_input_tokens: int
    input: int
    cache_read: int
    cache_write: int
    output: int


NO_TEXT_RATES: Final = TextRates(-1, 0, 0, 0, 0)
"""Fits no request: the price needs the long way."""


class PlainRates(NamedTuple):
    """Beside `TextRates`, what the same tokens would have cost."""

    input: int
    """In the standard tier without a cache, like the next."""
    output: int
    standard: tuple[int, int, int, int] | None
    """In the standard tier, in the order of the paid ones; None when they are the same."""


class CompiledPrice:
    """What a call's meters cost in one tier over one period: a table of integers."""

    __slots__ = ("_bands", "_extras", "_least", "_plain", "_thresholds", "labels", "text")

    def __init__(self, card: RateCard, units: Units, version: str) -> None:
        steps = [rate.steps for rates in (card.paid, card.standard) for rate in rates.values()]
        starts = sorted({start for step in steps for start, _ in step} | {ALWAYS})
        self._thresholds = tuple(starts[1:])
        self._bands = tuple(_compile_band(card, start, units) for start in starts)
        self.labels = (card.model, version, card.source)
        """Entry, version and source, as every row of this price names them."""
        self._extras = [meter for meter in _EXTRAS if UNITS[meter].usage_key in card.paid]
        self._least = card.least
        self.text, self._plain = _text_rates(self._bands[0], self._thresholds, self._extras)

    def cost(
        self,
        quantities: tuple[Quantity, ...],
        input_tokens: int,
        reasoning_tokens: int = 0,
        requests: int = 1,
    ) -> Priced | Unpriced:
        """Price disjoint meters; `input_tokens` is inclusive and chooses the context tier.

        `reasoning_tokens` matter only to the few models that price them apart from output,
        `requests` (one, but for sums over several) to those with a fee for each.
        """
        if self._extras or self._least:
            quantities = self._as_billed(quantities, reasoning_tokens, requests)
        denominator, meters = self._bands[bisect_left(self._thresholds, input_tokens)]
        try:
            if denominator != 1:
                return self._rounded(quantities, denominator, meters)
            lines = []
            paid = by_cache = by_tier = 0
            for meter, quantity in quantities:
                usd, rate, cache_saves, tier_saves, _ = meters[meter]
                cost = quantity * rate
                paid += cost
                if cache_saves:
                    by_cache += quantity * cache_saves
                if tier_saves:
                    by_tier += quantity * tier_saves
                # `Line(…)` costs twice as much, and this runs for every meter of every call.
                lines.append(_new(Line, (meter, quantity, usd, cost)))
        except KeyError:
            return _NO_PRICE
        model, version, source = self.labels
        listed, standard = paid + by_cache, paid + by_tier
        return _new(Priced, (tuple(lines), paid, listed, standard, model, version, source))

    def plain_pico(
        self, uncached: int, cache_read: int, cache_write: int, output: int, paid_pico: int
    ) -> tuple[int, int]:
        """(list, standard) beside a cost that came the short way; see `Priced`."""
        plain = self._plain
        listed = (uncached + cache_read + cache_write) * plain.input + output * plain.output
        if plain.standard is None:
            return listed, paid_pico
        input_rate, read_rate, write_rate, output_rate = plain.standard
        return listed, (
            uncached * input_rate
            + cache_read * read_rate
            + cache_write * write_rate
            + output * output_rate
        )

    def _rounded(
        self,
        quantities: tuple[Quantity, ...],
        denominator: int,
        meters: Mapping[str, _MeterRate],
    ) -> Priced:
        """The same with fractions of a pico-USD: meters billed as one unit are rounded as one."""
        sums: tuple[defaultdict[str, int], ...] = tuple(defaultdict(int) for _ in range(3))
        paid, plain, standard = sums
        lines = []
        for meter, quantity in quantities:
            rate = meters[meter]
            paid_as, plain_as, standard_as = rate.billed_as
            before = paid[paid_as]
            after = paid[paid_as] = before + quantity * rate.paid
            cost = round_half_even(after, denominator) - round_half_even(before, denominator)
            lines.append(Line(meter, quantity, rate.usd, cost))
            plain[plain_as] += quantity * (rate.paid + rate.cache_saves)
            standard[standard_as] += quantity * (rate.paid + rate.tier_saves)
        paid_pico, list_pico, standard_pico = (
            sum(round_half_even(amount, denominator) for amount in by_unit.values())
            for by_unit in sums
        )
        return Priced(tuple(lines), paid_pico, list_pico, standard_pico, *self.labels)

    def _as_billed(
        self, quantities: tuple[Quantity, ...], reasoning_tokens: int, requests: int
    ) -> tuple[Quantity, ...]:
        """Reasoning apart from output, the fee of the request itself, and least quantities."""
        amounts = dict(quantities)
        for meter, least in self._least.items():
            if meter in amounts:
                amounts[meter] = max(amounts[meter], least)
        if OUTPUT_REASONING in self._extras and OUTPUT in amounts:
            reasoning = min(reasoning_tokens, amounts[OUTPUT])
            amounts[OUTPUT] -= reasoning
            amounts[OUTPUT_REASONING] = amounts.get(OUTPUT_REASONING, 0) + reasoning
        if REQUEST in self._extras:
            amounts[REQUEST] = requests
        return tuple(Quantity(meter, amount) for meter, amount in amounts.items() if amount)


def _text_rates(
    band: _Band, thresholds: tuple[int, ...], extras: Sequence[str]
) -> tuple[TextRates, PlainRates]:
    """The rates of the smallest requests, where four whole numbers are all that they pay."""
    if band.denominator != 1 or extras or not band.meters.keys() >= set(_TEXT_METERS):
        return NO_TEXT_RATES, PlainRates(0, 0, None)
    inputs, read, written, outputs = (band.meters[meter] for meter in _TEXT_METERS)
    most = thresholds[0] if thresholds else sys.maxsize
    paid = (inputs.paid, read.paid, written.paid, outputs.paid)
    standard = (
        inputs.paid + inputs.tier_saves,
        read.paid + read.tier_saves,
        written.paid + written.tier_saves,
        outputs.paid + outputs.tier_saves,
    )
    plain = PlainRates(
        inputs.paid + inputs.cache_saves,
        outputs.paid + outputs.cache_saves,
        None if standard == paid else standard,
    )
    return TextRates(most, *paid), plain


def _compile_band(card: RateCard, start: int, units: Units) -> _Band:
    """The integer rates of requests just larger than `start` input tokens."""
    found = {}
    for meter, (usage_key, uncached_meter) in UNITS.items():
        paid = _pico_rate(usage_key, card.paid, start, units)
        if paid is not None:
            standard = _pico_rate(usage_key, card.standard, start, units) or paid
            plain_key = UNITS[uncached_meter].usage_key
            plain = _pico_rate(plain_key, card.standard, start, units) or standard
            found[meter] = (paid, plain, standard)
    denominator = lcm(*(pico.denominator for rates in found.values() for _, pico in rates))
    return _Band(
        denominator, {meter: _meter_rate(rates, denominator) for meter, rates in found.items()}
    )


def _pico_rate(
    usage_key: str, rates: Rates, start: int, units: Units
) -> tuple[str, Fraction] | None:
    """The unit it is billed as, and pico-USD for one."""
    key = billed_as(usage_key, rates, units)
    return None if key is None else (key, rate_above(rates[key].steps, start) * PICO_PER_USD)


def _meter_rate(rates: tuple[tuple[str, Fraction], ...], denominator: int) -> _MeterRate:
    paid, plain, standard = (int(pico * denominator) for _, pico in rates)
    paid_as, plain_as, standard_as = (key for key, _ in rates)
    return _MeterRate(
        usd_text(rates[0][1] / PICO_PER_USD),
        paid,
        plain - paid,
        standard - paid,
        (paid_as, plain_as, standard_as),
    )


_TEXT_METERS: Final = ("input", "cache_read", "cache_write", "output")
_EXTRAS: Final = (OUTPUT_REASONING, REQUEST)
_NO_PRICE: Final = Unpriced("no_price_for_meter")
_new: Final = tuple.__new__
