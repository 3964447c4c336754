"""Turns a `Call` into the row the ledger keeps: its meters, its price or why it has none."""

from __future__ import annotations

import json
from typing import NamedTuple

from taximeter_processor.ledger.record import COMMON_METERS, Record
from taximeter_processor.model import Call, Priced, Quantity, Status, Unpriced
from taximeter_processor.money import format_usd
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.usage import meters

_COMMON = frozenset(COMMON_METERS)


class Costed(NamedTuple):
    """A call with its disjoint meters and what became of it."""

    call: Call
    quantities: tuple[Quantity, ...]
    status: Status
    outcome: Priced | Unpriced | None
    """None for a failed call: nothing was reported, so nothing is known to be owed."""


def cost(call: Call, book: PriceBook) -> Costed:
    """Price one call. Raises `ValueError` when a part of its usage exceeds the whole."""
    quantities = meters(call.usage)
    if not quantities and call.usage_status != "reported":
        if call.is_error:
            return Costed(call, quantities, "failed", None)
        return Costed(call, quantities, "unpriced", Unpriced("no_usage"))
    if call.usage_status == "estimated":
        return Costed(call, quantities, "unpriced", Unpriced("estimated_usage"))
    price = book.price_for(
        call.provider, call.response_model, call.request_model, call.tier, call.start_us
    )
    if isinstance(price, Unpriced):
        return Costed(call, quantities, "unpriced", price)
    outcome = price.cost(quantities, call.usage.input_tokens or 0)
    if isinstance(outcome, Unpriced):
        return Costed(call, quantities, "unpriced", outcome)
    return Costed(call, quantities, "cached" if call.is_cache_hit else "priced", outcome)


def to_record(costed: Costed, *, writer: str, now_us: int, backfill_before_us: int) -> Record:
    """The ledger's row of a costed call, as it arrived at `now_us`."""
    call, quantities, status, outcome = costed
    usage = call.usage
    amounts = dict(quantities)
    costs: dict[str, int] = {}
    paid = listed = tier_saved = 0
    model, version, source = call.response_model or call.request_model, "", ""
    if isinstance(outcome, Priced):
        model, version, source = outcome.model, outcome.price_version, outcome.price_source
        if status == "cached":
            listed = outcome.cost_pico
        else:
            paid, listed = outcome.cost_pico, outcome.list_pico
            tier_saved = outcome.standard_pico - outcome.cost_pico
            costs = {line.meter: line.cost_pico for line in outcome.lines}
            if len(outcome.lines) != len(quantities):
                amounts = {line.meter: line.quantity for line in outcome.lines}
    quantity, spent = amounts.get, costs.get
    return Record(
        call.trace_id,
        call.span_id,
        call.start_us,
        call.end_us,
        now_us,
        call.parent_span_id,
        call.response_id,
        writer,
        call.emitter,
        call.dialect,
        call.feature,
        call.tenant,
        call.team,
        call.request_type,
        call.environment,
        call.service,
        call.provider,
        call.request_model,
        call.response_model,
        model,
        call.operation,
        call.tier,
        status,
        outcome.reason if isinstance(outcome, Unpriced) else "",
        call.usage_status,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        quantity("input", 0),
        quantity("cache_read", 0),
        quantity("cache_write", 0),
        quantity("output", 0),
        spent("input", 0),
        spent("cache_read", 0),
        spent("cache_write", 0),
        spent("output", 0),
        None if _COMMON.issuperset(amounts) else _other_meters(amounts, costs),
        paid,
        paid,
        listed,
        tier_saved,
        call.reported_cost_pico,
        version,
        source,
        call.end_us < backfill_before_us,
    )


def _other_meters(amounts: dict[str, int], costs: dict[str, int]) -> str:
    rarer = {
        meter: [quantity, format_usd(costs.get(meter, 0))]
        for meter, quantity in sorted(amounts.items())
        if meter not in _COMMON
    }
    return json.dumps(rarer, separators=(",", ":"))
