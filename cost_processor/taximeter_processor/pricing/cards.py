"""Lays the user's overrides over the catalogue: a model, a tier and a moment to a `RateCard`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from taximeter_processor.ingest.providers import canonical_provider
from taximeter_processor.model import Unpriced
from taximeter_processor.pricing.catalogue import Catalogue, Entry
from taximeter_processor.pricing.currencies import USD, ExchangeRates
from taximeter_processor.pricing.meters import UNITS
from taximeter_processor.pricing.overrides import PriceOverride, most_specific
from taximeter_processor.pricing.rates import ALWAYS, Rate, RateCard, Rates, usd_text
from taximeter_processor.pricing.timeline import Boundaries, midnight_us, moment, time_us

TIER_ASSUMED: Final = ";tier=standard-assumed"
"""Ends the source of a price whose tier has no rates, so that the standard ones were used."""

STANDARD: Final = "standard"
TOKENS_PER_RATE: Final = 10**6
_STANDARD_NAMES: Final = ("", "default", STANDARD)
_NO_MODEL_NAMES: Final = ("", "chat")


class Sources(NamedTuple):
    """Everything a price is made of."""

    catalogue: Catalogue
    overrides: tuple[PriceOverride, ...]
    exchange: ExchangeRates


class Subject(NamedTuple):
    """What a provider and the names of a model were found to mean, whatever the time."""

    name: str
    """The catalogue's, or else the model's own."""
    tier: str
    entry: Entry | None
    overrides: tuple[PriceOverride, ...]
    boundaries: Boundaries


def find_subject(sources: Sources, *, provider: str, models: Sequence[str], tier: str) -> Subject:
    """The entry of the first model that has one, and the overrides that speak of any of them."""
    told = [name for model in models for name in (model, _without_seller(model, provider))]
    names = [name for name in told if name.lower() not in _NO_MODEL_NAMES]
    entries = (sources.catalogue.find(provider, name) for name in names)
    entry = next((entry for entry in entries if entry is not None), None)
    known_as = [*names, entry.model.id] if entry else names
    tier = STANDARD if tier in _STANDARD_NAMES else tier
    relevant = tuple(
        override
        for override in sources.overrides
        if override.tier in (None, tier, STANDARD) and override.matches(provider, known_as)
    )
    name = entry.model.id if entry else next(iter(names), "")
    return Subject(name, tier, entry, relevant, _boundaries(sources, entry, tier, relevant))


def _without_seller(name: str, provider: str) -> str:
    """A model's name after its seller's (`openai/gpt-5`), if it is the one who sold; else empty."""
    before, slash, model = name.rpartition("/")
    seller = before.partition("/")[0]
    is_path = before == "models" or before.startswith("publishers/")
    is_sellers = slash and (is_path or canonical_provider(seller, "", "") == provider)
    return model if is_sellers else ""


def rate_card(sources: Sources, subject: Subject, start_us: int) -> RateCard | Unpriced:
    """The rates at a moment; where the tier has none of its own, the standard ones, saying so."""
    entry, tier = subject.entry, subject.tier
    catalogue = sources.catalogue
    listed = catalogue.standard_rates(entry, start_us) if entry else {}
    found = _negotiated(sources, subject, STANDARD, listed, {}, start_us)
    if found is None:
        return Unpriced("no_price_at_time")
    standard, source = found
    least = entry.least if entry else {}
    if tier != STANDARD:
        changed = catalogue.tier_rates(entry, tier, start_us) if entry else None
        active = _active(subject, tier, start_us)
        if changed is not None or any(override.tier == tier for override in active):
            found = _negotiated(sources, subject, tier, listed, changed or {}, start_us)
            if found is None:
                return Unpriced("no_price_at_time")
            paid, source = found
            return RateCard(subject.name, source, paid, standard or paid, least)
        source += TIER_ASSUMED
    if standard or entry:
        return RateCard(subject.name, source, standard, standard, least)
    has_rates = any(override.has_rates for override in subject.overrides)
    return Unpriced("no_price_at_time" if has_rates else "unknown_model")


def thresholds(sources: Sources, subject: Subject) -> set[int]:
    """Sizes of a request above which it may pay other rates, at whatever time."""
    entry = subject.entry
    listed = sources.catalogue.thresholds(entry, subject.tier) if entry else set()
    return listed.union(*(override.above for override in subject.overrides))


def _boundaries(
    sources: Sources, entry: Entry | None, tier: str, overrides: Sequence[PriceOverride]
) -> Boundaries:
    listed = sources.catalogue.boundaries(entry, tier) if entry else Boundaries()
    days: set[date] = set()
    times: set[time] = set()
    for override in overrides:
        if override.from_:
            days.add(override.from_)
        if override.until:
            days.add(override.until + timedelta(days=1))
        if override.hours:
            times |= set(override.hours)
        days |= set(sources.exchange.days(override.currency))
    return Boundaries(
        tuple(sorted({*listed.dates_us, *map(midnight_us, days)})),
        tuple(sorted({*listed.times_us, *map(time_us, times)})),
    )


def _negotiated(
    sources: Sources, subject: Subject, tier: str, listed: Rates, changed: Rates, start_us: int
) -> tuple[Rates, str] | None:
    """The catalogue's rates of a tier under the override that wins, and where they are from.

    None when that one is in a currency whose exchange rate is not known yet.
    """
    source = f"genai-prices:{subject.entry.label}" if subject.entry else ""
    winner = most_specific(_active(subject, tier, start_us))
    if winner is None:
        return {**listed, **changed}, source
    source = f"{source};override={winner.label}".lstrip(";")
    if winner.percent is not None:
        return _discounted({**listed, **changed}, winner.percent, winner), source
    usd = sources.exchange.usd_for(winner.currency, moment(start_us).date())
    if usd is None:
        return None
    own = _own_rates(winner, usd)
    if winner.tier is None:
        return {**listed, **own, **changed}, source
    return {**listed, **changed, **own}, source


def _active(subject: Subject, tier: str, start_us: int) -> list[PriceOverride]:
    at = moment(start_us)
    return [
        override
        for override in subject.overrides
        if override.tier in (None, tier) and override.is_active(at)
    ]


def _own_rates(override: PriceOverride, usd: Fraction) -> dict[str, Rate]:
    """The rates an override names, as dollars for one unit; `usd` for one of its currency."""
    source = f"override:{override.label}"
    if override.currency != USD:
        source += f" ({override.currency} at {usd_text(usd)})"
    rates = {}
    for meter, rate in override.rates.items():
        above = [
            (threshold, Fraction(higher[meter]))
            for threshold, higher in sorted(override.above.items())
            if meter in higher
        ]
        steps = ((ALWAYS, Fraction(rate)), *above)
        rates[UNITS[meter].usage_key] = Rate(
            tuple((start, amount * usd / TOKENS_PER_RATE) for start, amount in steps),
            source,
            override,
        )
    for counted, fee in override.fees.items():
        rates[UNITS[counted].usage_key] = Rate(((ALWAYS, Fraction(fee) * usd),), source, override)
    return rates


def _discounted(rates: Rates, percent: Decimal, override: PriceOverride) -> dict[str, Rate]:
    """Every rate changed by a percentage, exactly."""
    factor = 1 + Fraction(percent) / 100
    return {
        key: Rate(
            tuple((start, usd * factor) for start, usd in rate.steps),
            f"{rate.source}; override:{override.label} {percent:+f}%",
            override,
        )
        for key, rate in rates.items()
    }
