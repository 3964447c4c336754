"""The account of one call, in the keys of `docs/explain.md`: what spans and stored calls share.

Money is a decimal string of dollars, times are ISO 8601, absent values are null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from fractions import Fraction
from typing import Final, get_args

from typing_extensions import NotRequired, TypedDict

from taximeter_processor.ingest.provenance import Provenance
from taximeter_processor.ledger.identity import RESTATES_CHILDREN, TOLD_TWICE, Duplicate
from taximeter_processor.ledger.record import Record
from taximeter_processor.model import AttributeValue, Line, Usage
from taximeter_processor.money import PICO_PER_USD, format_usd
from taximeter_processor.periods import from_us, to_us
from taximeter_processor.pricing.cards import STANDARD, TIER_ASSUMED, TOKENS_PER_RATE
from taximeter_processor.pricing.overrides import CountedMeter
from taximeter_processor.pricing.rates import usd_text
from taximeter_processor.pricing.show import OverrideAnswer, PriceAnswer, RateAnswer, rate_for
from taximeter_processor.reports.asked import iso

CATALOGUE: Final = "catalogue"
OVERRIDE: Final = "override"
FALLBACK: Final = "fallback"
PAST: Final = "past"

_COUNTED: Final = frozenset(get_args(CountedMeter))
_LEFT_OUT: Final = "this emitter leaves cached input out of its count: it is added"
REPEATED: Final = "repeated"
WHY_NOT_COUNTED: Final = {
    REPEATED: "the same span once more",
    TOLD_TWICE: "another telling of the same call",
    RESTATES_CHILDREN: "a sum of the calls below it",
}


class UsageTold(TypedDict):
    """Inclusive counts as reported; null: not reported."""

    input_tokens: int | None
    cached_read_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None


class OverrideTold(TypedDict):
    """The user's own price behind a rate."""

    name: str
    line: int | None
    note: str | None
    since: str | None
    until: str | None


class LineTold(TypedDict):
    """One meter: what was used, at which rate, and who says so."""

    meter: str
    quantity: int
    rate_usd: str | None
    cost_usd: str | None
    pays_as: str | None
    per: int
    rate_per_usd: str | None
    source: str
    source_detail: str
    fallback: str | None
    valid_from: str | None
    valid_until: str | None
    override: OverrideTold | None


class IgnoredTold(TypedDict):
    """A count that is in no line, and why."""

    name: str
    value: AttributeValue
    reason: str
    why: str


class CorrectedTold(TypedDict):
    """A count that is not what the emitter told, and why."""

    field: str
    told: int
    counted: int
    why: str


class KeyTold(TypedDict):
    """Which row of the ledger."""

    trace_id: str
    span_id: str
    start_time: str


class OtherTold(KeyTold):
    """A span that tells of a call another one is counted by."""

    emitter: str
    dialect: str
    service: str | None
    reason: str
    why: str
    cost_usd: str | None
    of: KeyTold


class ChangeTold(TypedDict):
    """One restatement."""

    restated_at: str
    reason: str
    old_cost_usd: str
    new_cost_usd: str
    writer: str


class TodayTold(TypedDict):
    """What the price book of now says of a stored call."""

    price_version: str
    cost_usd: str | None
    reprice_pending: bool
    reason: str | None


class Account(TypedDict):
    """One span."""

    trace_id: str | None
    span_id: str | None
    is_call: bool
    reason: str | None
    message: NotRequired[str]
    provider: str | None
    request_model: str | None
    response_model: str | None
    operation: str | None
    usage: UsageTold
    reported_cost_usd: str | None
    meters: list[LineTold]
    cost_usd: str | None
    price_version: str | None
    tags: dict[str, str | None]
    environment: str | None
    service_name: str | None
    status: str | None
    start_time: str | None
    start_time_local: str | None
    service_tier: str | None
    emitter: str | None
    dialect: str | None
    usage_status: str | None
    raw_usage: dict[str, AttributeValue]
    read_as: dict[str, list[str]]
    ignored: list[IgnoredTold]
    corrected: list[CorrectedTold]
    quantities: dict[str, int]
    price_entry: str | None
    price_source: str | None
    list_cost_usd: str | None
    saved_usd: dict[str, str] | None
    extra_usd: dict[str, str] | None
    duplicates: list[OtherTold]
    duplicate_of: OtherTold | None
    first_cost_usd: NotRequired[str | None]
    restatements: NotRequired[list[ChangeTold]]
    today: NotRequired[TodayTold]


def blank(trace_id: str | None, span_id: str | None, start_us: int | None, zone: tzinfo) -> Account:
    """The account of a span that is nothing yet; people's time is that of a zone."""
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "is_call": False,
        "reason": None,
        "provider": None,
        "request_model": None,
        "response_model": None,
        "operation": None,
        "usage": usage_told(Usage()),
        "reported_cost_usd": None,
        "meters": [],
        "cost_usd": None,
        "price_version": None,
        "tags": tags_told("", "", "", ""),
        "environment": None,
        "service_name": None,
        "status": None,
        "start_time": None if start_us is None else iso(start_us),
        "start_time_local": None
        if start_us is None
        else from_us(start_us).astimezone(zone).isoformat(),
        "service_tier": None,
        "emitter": None,
        "dialect": None,
        "usage_status": None,
        "raw_usage": {},
        "read_as": {},
        "ignored": [],
        "corrected": [],
        "quantities": {},
        "price_entry": None,
        "price_source": None,
        "list_cost_usd": None,
        "saved_usd": None,
        "extra_usd": None,
        "duplicates": [],
        "duplicate_of": None,
    }


def usage_told(usage: Usage) -> UsageTold:
    """The five counts nearly every emitter tells."""
    return {
        "input_tokens": usage.input_tokens,
        "cached_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def tags_told(feature: str, tenant: str, team: str, request_type: str) -> dict[str, str | None]:
    """The tags a cost is booked under; null: absent."""
    return {
        "feature": feature or None,
        "tenant": tenant or None,
        "team": team or None,
        "request_type": request_type or None,
    }


def line_told(line: Line, price: PriceAnswer, input_tokens: int) -> LineTold:
    """A line at the price that made it; `input_tokens` chose the context threshold."""
    rate = rate_for(price, line.meter, input_tokens)
    told: LineTold = {
        "meter": line.meter,
        "quantity": line.quantity,
        "rate_usd": line.rate_usd,
        "cost_usd": format_usd(line.cost_pico),
        "pays_as": rate and rate.billed_as,
        "per": rate.per if rate else 1,
        "rate_per_usd": rate.usd_listed if rate else line.rate_usd,
        "source": CATALOGUE,
        "source_detail": rate.source if rate else price.source,
        "fallback": _fallback(price, rate),
        "valid_from": iso(to_us(price.valid_from)) if price.valid_from else None,
        "valid_until": iso(to_us(price.valid_until)) if price.valid_until else None,
        "override": rate and rate.override and _override_told(rate.override),
    }
    if told["fallback"]:
        told["source"] = FALLBACK
    elif told["override"]:
        told["source"] = OVERRIDE
    return told


def past_line(meter: str, quantity: int, cost_pico: int, price_source: str) -> LineTold:
    """A line whose rate the book does not say any more: it is the cost over the quantity."""
    rate = Fraction(cost_pico, quantity * PICO_PER_USD)
    per = 1 if meter in _COUNTED else TOKENS_PER_RATE
    return {
        "meter": meter,
        "quantity": quantity,
        "rate_usd": usd_text(rate),
        "cost_usd": format_usd(cost_pico),
        "pays_as": None,
        "per": per,
        "rate_per_usd": usd_text(rate * per),
        "source": PAST,
        "source_detail": price_source,
        "fallback": None,
        "valid_from": None,
        "valid_until": None,
        "override": _override_named(price_source),
    }


def savings(
    list_pico: int, cost_pico: int, tier_pico: int, *, is_cached: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """(saved, extra) by source, of which `cost = list - saved + extra`."""
    if is_cached:
        return {"response_cache": format_usd(list_pico - cost_pico)}, {}
    parts = {"prompt_cache": list_pico - cost_pico - tier_pico, "tier": tier_pico}
    return (
        {source: format_usd(pico) for source, pico in parts.items() if pico > 0},
        {source: format_usd(-pico) for source, pico in parts.items() if pico < 0},
    )


def tell_counts(account: Account, found: Provenance) -> None:
    """Say which counts stood on the span, and what became of each."""
    account["raw_usage"] = dict(found.raw)
    account["read_as"] = {name: list(fields) for name, fields in found.read_as.items()}
    account["ignored"] = [
        {"name": one.name, "value": one.value, "reason": one.reason, "why": one.why}
        for one in found.ignored
    ]
    account["corrected"] = _corrected(found.told.input_tokens, account["usage"])


def _corrected(told: int | None, usage: UsageTold) -> list[CorrectedTold]:
    """Cached input that an emitter is known to leave out is added to the input it counts."""
    counted = usage["input_tokens"]
    cached = (usage["cached_read_tokens"] or 0) + (usage["cache_write_tokens"] or 0)
    if told is None or counted is None or not cached or counted - told != cached:
        return []
    return [{"field": "input_tokens", "told": told, "counted": counted, "why": _LEFT_OUT}]


def other_told(duplicate: Duplicate) -> OtherTold:
    """A telling that is not counted, and what it would have cost."""
    record, reason, (trace_id, span_id, start_us) = duplicate
    return {
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "start_time": iso(record.start_time),
        "emitter": record.emitter,
        "dialect": record.dialect,
        "service": record.service_name or None,
        "reason": reason,
        "why": WHY_NOT_COUNTED.get(reason, reason),
        "cost_usd": cost_of(record),
        "of": {"trace_id": trace_id, "span_id": span_id, "start_time": iso(start_us)},
    }


def cost_of(record: Record) -> str | None:
    """What a row costs; null when that is not known."""
    return format_usd(record.cost_usd) if record.status in ("priced", "cached") else None


def sum_usd(amounts: Iterable[str | None]) -> str:
    """Exact dollars of amounts, of which null ones are not known."""
    return usd_text(sum((Fraction(amount) for amount in amounts if amount), Fraction(0)))


def _fallback(price: PriceAnswer, rate: RateAnswer | None) -> str | None:
    """Why the rate is another's: of a more general meter, of the standard tier, of a maker."""
    reasons: Sequence[str] = [
        f"{rate.meter} has no rate of its own: it pays that of {rate.billed_as}"
        if rate and rate.billed_as != rate.meter
        else "",
        f"tier {price.tier} has no rates: the standard ones are used"
        if price.source.endswith(TIER_ASSUMED)
        else "",
        f"tier {price.tier} has no rate of its own for {rate.meter}: the standard one is used"
        if rate and _is_of_standard_tier(price, rate)
        else "",
        f"{price.provider} lists no price: that of {price.borrowed_from} is used"
        if price.borrowed_from and not (rate and rate.source.startswith("override:"))
        else "",
    ]
    return "; ".join(filter(None, reasons)) or None


def _is_of_standard_tier(price: PriceAnswer, rate: RateAnswer) -> bool:
    """A rate of the catalogue that a tier, which has other rates there, leaves as it is."""
    return (
        price.tier != STANDARD
        and not price.source.endswith(TIER_ASSUMED)
        and rate.source.startswith("genai-prices:")
        and f" ({price.tier})" not in rate.source
    )


def _override_told(override: OverrideAnswer) -> OverrideTold:
    return {
        "name": override.name,
        "line": override.line,
        "note": override.note or None,
        "since": override.since.isoformat() if override.since else None,
        "until": override.until.isoformat() if override.until else None,
    }


def _override_named(price_source: str) -> OverrideTold | None:
    """The override a row's price source names."""
    for part in price_source.split(";"):
        if part.startswith("override="):
            name = part.removeprefix("override=")
            return {"name": name, "line": None, "note": None, "since": None, "until": None}
    return None
