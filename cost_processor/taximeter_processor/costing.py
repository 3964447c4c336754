"""Turns a `Call` into the row the ledger keeps: its meters, its price or why it has none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from taximeter_processor.ledger.record import COMMON_METERS, Record
from taximeter_processor.model import (
    Call,
    Line,
    Priced,
    Quantity,
    Status,
    Unpriced,
    Usage,
    UsageStatus,
)
from taximeter_processor.money import format_usd
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.meters import as_used
from taximeter_processor.usage import is_plain_text, meters

MOST_PICO: Final = 10**24
"""The ledger keeps 24 digits, 12 of them before the point."""

_TRUSTED: Final = ("reported", "partial")


class Costed(NamedTuple):
    """A call with its disjoint meters and what became of it."""

    call: Call
    quantities: tuple[Quantity, ...]
    status: Status
    outcome: Priced | Unpriced | None
    """None for a failed call: nothing was reported, so nothing is known to be owed."""


def cost(call: Call, prices: PriceBook) -> Costed:
    """Price one call. Raises `ValueError` when a part of its usage exceeds the whole."""
    return _costed(call, meters(call.usage), prices)


def _costed(call: Call, quantities: tuple[Quantity, ...], prices: PriceBook) -> Costed:
    costed = _priced(call, quantities, prices)
    outcome = costed.outcome
    if isinstance(outcome, Priced) and max(outcome.cost_pico, outcome.list_pico) >= MOST_PICO:
        raise ValueError(f"a cost of {outcome.cost_pico} pico-USD is beyond what is kept")
    if call.is_cache_hit and costed.status != "failed":
        # Nothing was paid; what it avoided is only known when it has a price.
        return costed._replace(status="cached")
    return costed


def _priced(call: Call, quantities: tuple[Quantity, ...], prices: PriceBook) -> Costed:
    if not quantities and call.usage_status != "reported":
        if call.is_error:
            return Costed(call, quantities, "failed", None)
        return Costed(call, quantities, "unpriced", Unpriced("no_usage"))
    if call.usage_status == "estimated":
        return Costed(call, quantities, "unpriced", Unpriced("estimated_usage"))
    price = prices.price_for(
        call.provider,
        call.response_model or call.called_model,
        call.request_model,
        call.tier,
        call.start_us,
    )
    if isinstance(price, Unpriced):
        return Costed(call, quantities, "unpriced", price)
    usage = call.usage
    outcome = price.cost(quantities, usage.input_tokens or 0, usage.reasoning_tokens or 0)
    if isinstance(outcome, Unpriced):
        return Costed(call, quantities, "unpriced", outcome)
    return Costed(call, quantities, "priced", outcome)


def book(
    call: Call, prices: PriceBook, *, writer: str, now_us: int, backfill_before_us: int
) -> Record:
    """Price one call and make its row. Raises `ValueError` as `cost` does.

    A call of nothing but text, which nearly all are, takes a short way to the same row.
    """
    arrived = (writer, now_us, call.end_us < backfill_before_us)
    usage = call.usage
    if is_plain_text(usage) and call.usage_status in _TRUSTED and not call.is_cache_hit:
        read, written, outputs = usage[2] or 0, usage[3] or 0, usage[1] or 0
        uncached = (usage[0] or 0) - read - written
        found = prices.text_cost(
            call.provider,
            call.response_model or call.called_model,
            call.request_model,
            call.tier,
            call.start_us,
            uncached,
            read,
            written,
            outputs,
        )
        if found is not None and uncached >= 0 and (uncached or read or written or outputs):
            price, input_cost, read_cost, write_cost, output_cost = found
            costs = (input_cost, read_cost, write_cost, output_cost)
            paid = input_cost + read_cost + write_cost + output_cost
            listed, standard = price.plain_pico(uncached, read, written, outputs, paid)
            if paid < MOST_PICO and listed < MOST_PICO:
                booked = _Booked(
                    "priced", "", (uncached, read, written, outputs), costs, None,
                    paid, listed, standard - paid, price.labels,
                )  # fmt: skip
                return _row(call, booked, arrived)
    return _row(call, _booked(cost(call, prices)), arrived)


def reprice(record: Record, prices: PriceBook) -> Record:
    """The same row at what the prices are now, from the usage it keeps.

    The row itself when nothing was priced, or when it had a price and there is none any more: a
    price once known is not forgotten.
    """
    if record.status not in _REPRICED:
        return record
    costed = cost_again(record, prices)
    if not isinstance(costed.outcome, Priced) and record.price_source:
        return record
    again = _row(costed.call, _booked(costed), (record.writer, record.ingested_at, False))
    return record._replace(**{name: getattr(again, name) for name in _PRICED_COLUMNS})


def cost_again(record: Record, prices: PriceBook) -> Costed:
    """What a row's usage costs at what the prices are now, line by line."""
    return _costed(_call_of(record), _quantities_of(record), prices)


_REPRICED: Final = ("priced", "unpriced", "cached")
_PRICED_COLUMNS: Final = (
    "model",
    "status",
    "unpriced_reason",
    *(f"{meter}_quantity" for meter in COMMON_METERS),
    *(f"{meter}_cost_usd" for meter in COMMON_METERS),
    "other_meters",
    "cost_usd",
    "list_cost_usd",
    "tier_saved_usd",
    "price_version",
    "price_source",
)


def _call_of(record: Record) -> Call:
    """The call behind a row, as far as a price depends on it."""
    return Call(
        trace_id=record.trace_id,
        span_id=record.span_id,
        parent_span_id=record.parent_span_id,
        start_us=record.start_time,
        end_us=record.end_time,
        emitter=record.emitter,
        dialect=record.dialect,
        service=record.service_name,
        environment=record.environment,
        feature=record.feature,
        tenant=record.tenant,
        team=record.team,
        request_type=record.request_type,
        provider=record.provider,
        request_model=record.request_model,
        response_model=record.response_model,
        operation=record.operation,
        tier=record.service_tier,
        response_id=record.response_id,
        usage=Usage(
            record.input_tokens,
            record.output_tokens,
            record.cache_read_tokens,
            record.cache_write_tokens,
            reasoning_tokens=record.reasoning_tokens,
        ),
        usage_status=cast(UsageStatus, record.usage_status),
        is_error=False,
        is_cache_hit=record.status == "cached",
        reported_cost_pico=record.reported_cost_usd,
    )


def _quantities_of(record: Record) -> tuple[Quantity, ...]:
    amounts = {meter: getattr(record, f"{meter}_quantity") for meter in COMMON_METERS}
    rarer = json.loads(record.other_meters or "{}")
    return as_used({**amounts, **{meter: quantity for meter, (quantity, _) in rarer.items()}})


_Four = tuple[int, int, int, int]


class _Booked(NamedTuple):
    """The columns that pricing decides, whichever way it went."""

    status: Status
    unpriced_reason: str
    quantities: _Four
    """Of `COMMON_METERS`, like the next."""
    costs: _Four
    other_meters: str | None
    paid: int
    listed: int
    tier_saved: int
    labels: tuple[str, str, str]
    """Entry, price version and price source."""


def _booked(costed: Costed) -> _Booked:
    call, quantities, status, outcome = costed
    paid = listed = tier_saved = 0
    labels = (call.response_model or call.called_model or call.request_model, "", "")
    lines: Sequence[Line] = ()
    if type(outcome) is Priced:
        labels = (outcome.model, outcome.price_version, outcome.price_source)
        if status == "cached":
            listed = outcome.cost_pico
        else:
            paid, listed = outcome.cost_pico, outcome.list_pico
            tier_saved = outcome.standard_pico - paid
            lines = outcome.lines
    meters = {
        meter: (quantity, pico)
        for meter, quantity, _, pico in lines or [Line(*q, "", 0) for q in quantities]
    }
    inputs, read, written, outputs = (meters.pop(meter, (0, 0)) for meter in COMMON_METERS)
    rarer = {meter: [quantity, format_usd(pico)] for meter, (quantity, pico) in meters.items()}
    return _Booked(
        status,
        outcome.reason if isinstance(outcome, Unpriced) and status == "unpriced" else "",
        (inputs[0], read[0], written[0], outputs[0]),
        (inputs[1], read[1], written[1], outputs[1]),
        json.dumps(rarer, separators=(",", ":"), sort_keys=True) if rarer else None,
        paid,
        listed,
        tier_saved,
        labels,
    )


def _row(call: Call, booked: _Booked, arrived: tuple[str, int, bool]) -> Record:
    usage = call.usage
    writer, now_us, is_backfill = arrived
    model, price_version, price_source = booked.labels
    input_quantity, read_quantity, write_quantity, output_quantity = booked.quantities
    input_cost, read_cost, write_cost, output_cost = booked.costs
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
        call.response_model or call.called_model,
        model,
        call.operation,
        call.tier,
        booked.status,
        booked.unpriced_reason,
        call.usage_status,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        input_quantity,
        read_quantity,
        write_quantity,
        output_quantity,
        input_cost,
        read_cost,
        write_cost,
        output_cost,
        booked.other_meters,
        booked.paid,
        booked.paid,
        booked.listed,
        booked.tier_saved,
        call.reported_cost_pico,
        price_version,
        price_source,
        is_backfill,
    )
