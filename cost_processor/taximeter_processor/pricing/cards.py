"""Lays the user's overrides over the catalogue: a model, a tier and a moment to a `RateCard`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from taximeter_processor.model import Unpriced
from taximeter_processor.pricing.catalogue import Catalogue, Entry
from taximeter_processor.pricing.meters import REQUEST, UNITS, WEB_SEARCH
from taximeter_processor.pricing.overrides import PriceOverride, most_specific
from taximeter_processor.pricing.rates import ALWAYS, Rate, RateCard, Rates
from taximeter_processor.pricing.timeline import Boundaries, midnight_us, moment

TIER_ASSUMED: Final = ";tier=standard-assumed"
"""Ends the source of a price whose tier has no rates, so that the standard ones were used."""

STANDARD: Final = "standard"
TOKENS_PER_RATE: Final = 10**6
_STANDARD_NAMES: Final = ("", "default", STANDARD)
_NO_MODEL_NAMES: Final = ("", "chat")


class Subject(NamedTuple):
    """What a provider and the names of a model were found to mean, whatever the time."""

    name: str
    """The catalogue's, or else the model's own."""
    tier: str
    entry: Entry | None
    overrides: tuple[PriceOverride, ...]
    boundaries: Boundaries


def find_subject(
    catalogue: Catalogue,
    overrides: Sequence[PriceOverride],
    *,
    provider: str,
    models: Sequence[str],
    tier: str,
) -> Subject:
    """The entry of the first model that has one, and the overrides that speak of any of them."""
    names = [name for name in models if name.lower() not in _NO_MODEL_NAMES]
    entries = (catalogue.find(provider, name) for name in names)
    entry = next((entry for entry in entries if entry is not None), None)
    known_as = [*names, entry.model.id] if entry else names
    tier = STANDARD if tier in _STANDARD_NAMES else tier
    relevant = tuple(
        override
        for override in overrides
        if override.tier in (None, tier, STANDARD) and override.matches(provider, known_as)
    )
    name = entry.model.id if entry else next(iter(names), "")
    return Subject(name, tier, entry, relevant, _boundaries(catalogue, entry, tier, relevant))


def rate_card(catalogue: Catalogue, subject: Subject, start_us: int) -> RateCard | Unpriced:
    """The rates at a moment; where the tier has none of its own, the standard ones, saying so."""
    entry, tier = subject.entry, subject.tier
    listed = catalogue.standard_rates(entry, start_us) if entry else {}
    standard, source = _negotiated(subject, STANDARD, listed, {}, start_us)
    if tier != STANDARD:
        changed = catalogue.tier_rates(entry, tier, start_us) if entry else None
        active = _active(subject, tier, start_us)
        if changed is not None or any(override.tier == tier for override in active):
            paid, source = _negotiated(subject, tier, listed, changed or {}, start_us)
            return RateCard(subject.name, source, paid, standard or paid)
        source += TIER_ASSUMED
    if standard or entry:
        return RateCard(subject.name, source, standard, standard)
    has_rates = any(override.has_rates for override in subject.overrides)
    return Unpriced("no_price_at_time" if has_rates else "unknown_model")


def _boundaries(
    catalogue: Catalogue, entry: Entry | None, tier: str, overrides: Sequence[PriceOverride]
) -> Boundaries:
    listed = catalogue.boundaries(entry, tier) if entry else Boundaries()
    firsts = {midnight_us(override.from_) for override in overrides if override.from_}
    afters = {
        midnight_us(override.until + timedelta(days=1)) for override in overrides if override.until
    }
    return Boundaries(tuple(sorted(firsts | afters | set(listed.dates_us))), listed.times_us)


def _negotiated(
    subject: Subject, tier: str, listed: Rates, changed: Rates, start_us: int
) -> tuple[Rates, str]:
    """The catalogue's rates of a tier under the override that wins, and where they are from."""
    source = f"genai-prices:{subject.entry.label}" if subject.entry else ""
    winner = most_specific(_active(subject, tier, start_us))
    if winner is None:
        return {**listed, **changed}, source
    source = f"{source};override={winner.label}".lstrip(";")
    if winner.percent is not None:
        return _discounted({**listed, **changed}, winner.percent, winner.label), source
    if winner.tier is None:
        return {**listed, **_own_rates(winner), **changed}, source
    return {**listed, **changed, **_own_rates(winner)}, source


def _active(subject: Subject, tier: str, start_us: int) -> list[PriceOverride]:
    day = moment(start_us).date()
    return [
        override
        for override in subject.overrides
        if override.tier in (None, tier) and override.is_active(day)
    ]


def _own_rates(override: PriceOverride) -> dict[str, Rate]:
    """The rates an override names, as dollars for one unit."""
    usd: dict[str, Fraction] = {
        meter: Fraction(rate) / TOKENS_PER_RATE for meter, rate in override.rates.items()
    }
    if override.per_request_usd is not None:
        usd[REQUEST] = Fraction(override.per_request_usd)
    if override.per_web_search_usd is not None:
        usd[WEB_SEARCH] = Fraction(override.per_web_search_usd)
    source = f"override:{override.label}"
    return {UNITS[meter].usage_key: Rate(((ALWAYS, rate),), source) for meter, rate in usd.items()}


def _discounted(rates: Rates, percent: Decimal, label: str) -> dict[str, Rate]:
    """Every rate changed by a percentage, exactly."""
    factor = 1 + Fraction(percent) / 100
    return {
        key: Rate(
            tuple((start, usd * factor) for start, usd in rate.steps),
            f"{rate.source}; override:{label} {percent:+f}%",
        )
        for key, rate in rates.items()
    }
