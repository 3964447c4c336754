"""Turns a `Call` into the row the ledger keeps: its meters, its price or why it has none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from taximeter_processor.ledger.record import Record
from taximeter_processor.model import Call, Line, Priced, Quantity, Status, Unpriced
from taximeter_processor.money import format_usd
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.usage import meters

MOST_PICO: Final = 10**24
"""The ledger keeps 24 digits, 12 of them before the point."""


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
    costed = _costed(call, quantities, book)
    outcome = costed.outcome
    if isinstance(outcome, Priced) and max(outcome.cost_pico, outcome.list_pico) >= MOST_PICO:
        raise ValueError(f"a cost of {outcome.cost_pico} pico-USD is beyond what is kept")
    if call.is_cache_hit and costed.status != "failed":
        # Nothing was paid; what it avoided is only known when it has a price.
        return costed._replace(status="cached")
    return costed


def _costed(call: Call, quantities: tuple[Quantity, ...], book: PriceBook) -> Costed:
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
    usage = call.usage
    outcome = price.cost(quantities, usage.input_tokens or 0, usage.reasoning_tokens or 0)
    if isinstance(outcome, Unpriced):
        return Costed(call, quantities, "unpriced", outcome)
    return Costed(call, quantities, "priced", outcome)


def to_record(costed: Costed, *, writer: str, now_us: int, backfill_before_us: int) -> Record:
    """The ledger's row of a costed call, as it arrived at `now_us`."""
    call, quantities, status, outcome = costed
    usage = call.usage
    inputs = reads = writes = outputs = 0
    input_cost = read_cost = write_cost = output_cost = 0
    paid = listed = tier_saved = 0
    rarer: dict[str, list[int | str]] | None = None
    model, version, source = call.response_model or call.request_model, "", ""
    lines: Sequence[Line] = ()
    if type(outcome) is Priced:
        model, version, source = outcome.model, outcome.price_version, outcome.price_source
        if status == "cached":
            listed = outcome.cost_pico
        else:
            paid, listed = outcome.cost_pico, outcome.list_pico
            tier_saved = outcome.standard_pico - paid
            lines = outcome.lines
    for meter, quantity, _, pico in lines or [Line(*q, "", 0) for q in quantities]:
        if meter == "input":
            inputs, input_cost = quantity, pico
        elif meter == "output":
            outputs, output_cost = quantity, pico
        elif meter == "cache_read":
            reads, read_cost = quantity, pico
        elif meter == "cache_write":
            writes, write_cost = quantity, pico
        else:
            rarer = rarer or {}
            rarer[meter] = [quantity, format_usd(pico)]
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
        outcome.reason if isinstance(outcome, Unpriced) and status == "unpriced" else "",
        call.usage_status,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        inputs,
        reads,
        writes,
        outputs,
        input_cost,
        read_cost,
        write_cost,
        output_cost,
        None if rarer is None else json.dumps(rarer, separators=(",", ":"), sort_keys=True),
        paid,
        paid,
        listed,
        tier_saved,
        call.reported_cost_pico,
        version,
        source,
        call.end_us < backfill_before_us,
    )
