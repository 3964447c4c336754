"""Explains a price: which entry, which period, each rate and who says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timezone
from fractions import Fraction
from typing import NamedTuple

from taximeter_processor.model import Unpriced
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.cards import rate_card
from taximeter_processor.pricing.meters import UNITS
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.pricing.rates import Rates, billed_as, usd_text
from taximeter_processor.pricing.timeline import (
    DAY_US,
    FOR_EVER_US,
    SINCE_EVER_US,
    moment,
    to_us,
)


class OverrideAnswer(NamedTuple):
    """Which of the user's own prices set or changed a rate."""

    name: str
    line: int | None
    """Where it stands in the configuration file."""
    note: str
    since: date | None
    """First and last day, both included; None: since ever, for ever."""
    until: date | None


class RateAnswer(NamedTuple):
    """What one meter pays."""

    meter: str
    billed_as: str
    """The meter whose rate it pays: itself, or a more general one."""
    above_input_tokens: int
    """0, or the context threshold above which all tokens of the request pay this."""
    usd: str
    """Dollars for one unit, as in a call's lines."""
    usd_listed: str
    """Dollars for `per` units, as price lists say it."""
    per: int
    source: str
    override: OverrideAnswer | None = None


class PriceAnswer(NamedTuple):
    """Which price applies to a model in a tier at a moment, and why."""

    provider: str
    model: str
    tier: str
    at: datetime
    entry: str
    """The name it is booked under."""
    source: str
    """The catalogue's entry, the override that won, and whether the tier was assumed."""
    valid_from: datetime | None
    valid_until: datetime | None
    """The moment the price may change; None: not known to."""
    rates: tuple[RateAnswer, ...]
    reason: str
    """Why there is no price; empty when there is one."""
    price_version: str
    borrowed_from: str = ""
    """Whose price list it is from, when that is not the provider's own."""


def describe(
    book: PriceBook,
    provider: str,
    model: str,
    at: datetime,
    tier: str = "standard",
    request_model: str = "",
) -> PriceAnswer:
    """The answer for one model, or for that which was asked for; `at` is an aware time."""
    subject = book.subject(provider, model, request_model, tier)
    period = subject.boundaries.period(to_us(at))
    card = rate_card(book.sources, subject, to_us(at))
    if isinstance(card, Unpriced):
        source, reason, rates = "", str(card.reason), list[RateAnswer]()
    else:
        source, reason, rates = card.source, "", list(_rate_answers(book, card.paid))
    return PriceAnswer(
        provider=provider,
        model=model,
        tier=subject.tier,
        at=at,
        entry=subject.name,
        source=source,
        valid_from=None if period.from_us == SINCE_EVER_US else moment(period.from_us),
        valid_until=None if period.until_us == FOR_EVER_US else moment(period.until_us),
        rates=tuple(rates),
        reason=reason,
        price_version=book.version,
        borrowed_from=subject.entry.owner if subject.entry and subject.entry.is_borrowed else "",
    )


class Descriptions:
    """The answers of one book for many calls: one for each model and period is worked out."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._last: dict[tuple[str, str, str, str], PriceAnswer] = {}

    def at(
        self, provider: str, response_model: str, request_model: str, tier: str, at: datetime
    ) -> PriceAnswer:
        """What `describe` says; its `at` may be another moment of the same period."""
        key = (provider, response_model, request_model, tier)
        known = self._last.get(key)
        if known is None or not _holds(known, at):
            known = describe(self._book, provider, response_model, at, tier, request_model)
            self._last[key] = known
        return known


def _holds(answer: PriceAnswer, at: datetime) -> bool:
    since, until = answer.valid_from, answer.valid_until
    return (since is None or since <= at) and (until is None or at < until)


def rate_for(answer: PriceAnswer, meter: str, input_tokens: int) -> RateAnswer | None:
    """What a meter pays in a request of a size, cached input inside; None when nothing says."""
    fitting = [
        rate
        for rate in answer.rates
        if rate.meter == meter and (rate.above_input_tokens or -1) < input_tokens
    ]
    return fitting[-1] if fitting else None


def history(
    book: PriceBook, provider: str, model: str, tier: str = "standard"
) -> list[PriceAnswer]:
    """The answers for every period in which the price may differ, oldest first.

    Daily hours are told once for each stretch of days.
    """
    dates_us, times_us = book.subject(provider, model, "", tier).boundaries
    first = dates_us[0] - 1 if dates_us else to_us(datetime.now(timezone.utc))
    starts = [first - first % DAY_US if times_us else first, *dates_us]
    moments = [us + of_day for us in starts for of_day in (times_us or (0,))]
    return [describe(book, provider, model, moment(us), tier) for us in moments]


def search(book: PriceBook, text: str) -> list[tuple[str, str]]:
    """Catalogue entries whose `provider/model` or readable name contains the text, with both."""
    wanted = text.lower()
    return [
        (label, name)
        for label, name in book.catalogue.labels()
        if wanted in label.lower() or wanted in name.lower()
    ]


def _rate_answers(book: PriceBook, rates: Rates) -> Iterator[RateAnswer]:
    units = book.catalogue.units
    meter_of = {unit.usage_key: meter for meter, unit in UNITS.items()}
    for meter, unit in UNITS.items():
        key = billed_as(unit.usage_key, rates, units)
        if key is None:
            continue
        per = units[key]["per"]
        for start, usd in rates[key].steps:
            yield RateAnswer(
                meter,
                meter_of.get(key, key),
                max(start, 0),
                usd_text(usd),
                usd_text(usd * Fraction(per)),
                per,
                rates[key].source,
                _override_answer(rates[key].override),
            )


def _override_answer(override: PriceOverride | None) -> OverrideAnswer | None:
    if override is None:
        return None
    return OverrideAnswer(
        override.label, override.line, override.note, override.from_, override.until
    )
