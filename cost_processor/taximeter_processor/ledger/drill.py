"""Reads single calls of the ledger: pages of a filtered slice, and all calls of one trace.

Money is pico-USD, times are µs UTC. The SQL is shared by all engines.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.record import COMMON_METERS
from taximeter_processor.ledger.slices import Where, conditions
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import format_usd, round_half_even, stored_to_pico, usd_to_pico

MOST_CALLS: Final = 500
_TEXTS: Final = (
    "trace_id",
    "span_id",
    "feature",
    "tenant",
    "team",
    "request_type",
    "environment",
    "service_name",
    "provider",
    "model",
    "service_tier",
    "status",
    "unpriced_reason",
    "price_version",
    "price_source",
    "emitter",
    "also_told_by",
)
_METERS: Final = ", ".join(f"{meter}_quantity, {meter}_cost_usd" for meter in COMMON_METERS)
_SELECTED: Final = (
    f"epoch_us(start_time), epoch_us(end_time), cost_usd, list_cost_usd, input_tokens, "
    f"output_tokens, other_meters, {', '.join(_TEXTS)}, {_METERS}"
)


class MeterLine(NamedTuple):
    """What one meter of a call cost."""

    meter: str
    quantity: int
    cost_pico: int

    @property
    def million_usd(self) -> str:
        """Dollars for a million, from the two: the rate that was paid."""
        return format_usd(round_half_even(self.cost_pico * 1_000_000, self.quantity))


class CallRow(NamedTuple):
    """One call as pages show it; texts are as stored, empty where there is none."""

    start_us: int
    end_us: int
    cost_pico: int
    list_cost_pico: int
    input_tokens: int | None
    output_tokens: int | None
    lines: tuple[MeterLine, ...]
    trace_id: str
    span_id: str
    feature: str
    tenant: str
    team: str
    request_type: str
    environment: str
    service_name: str
    provider: str
    model: str
    service_tier: str
    status: str
    unpriced_reason: str
    price_version: str
    price_source: str
    emitter: str
    also_told_by: str


class Place(NamedTuple):
    """A call's place in either order: where the next page begins."""

    cost_usd: str
    start_us: int
    trace_id: str
    span_id: str

    def text(self) -> str:
        """For a URL."""
        return "~".join((self.cost_usd, str(self.start_us), self.trace_id, self.span_id))


def place_of(text: str) -> Place:
    """The place a URL names. Raises `ValueError` when it names none."""
    parts = text.split("~")
    try:
        cost, start, trace_id, span_id = parts
        usd_to_pico(cost)
        if not (start.isascii() and start.isdigit() and len(start) < 18):
            raise ValueError(start)
    except ValueError as error:
        raise ValueError(f"after={text[:40]!r}: expected what a page before led to") from error
    return Place(cost, int(start), trace_id, span_id)


def calls(
    store: LedgerStore,
    start_us: int,
    end_us: int,
    where: Where,
    *,
    dearest_first: bool,
    after: Place | None,
    limit: int,
) -> list[CallRow]:
    """Calls in [start, end), newest or dearest first, from behind a place on."""
    filters, parameters = conditions(where)
    order = ("cost_usd", "start_time") if dearest_first else ("start_time",)
    key = ", ".join((*order, "trace_id", "span_id"))
    paging = ""
    if after is not None:
        cost = ["cast(? as decimal(24,12))"] if dearest_first else []
        marks = [*cost, f"make_timestamp({after.start_us})", "?", "?"]
        paging = f" and ({key}) < ({', '.join(marks)})"
        parameters += [*([after.cost_usd] if dearest_first else []), after.trace_id, after.span_id]
    descending = ", ".join(f"{name} desc" for name in key.split(", "))
    rows = store.read(
        f"select {_SELECTED} from calls where start_time >= make_timestamp({start_us}) "
        f"and start_time < make_timestamp({end_us}){filters}{paging} "
        f"order by {descending} limit {int(limit)}",
        parameters,
    )
    return [_row(row) for row in rows]


def calls_of_trace(store: LedgerStore, trace_id: str) -> list[CallRow]:
    """The calls of one trace, oldest first, at most `MOST_CALLS` and one."""
    rows = store.read(
        f"select {_SELECTED} from calls where trace_id = ? "
        f"order by start_time, span_id limit {MOST_CALLS + 1}",
        [trace_id],
    )
    return [_row(row) for row in rows]


def _row(row: Sequence[Any]) -> CallRow:
    start, end, cost, list_cost, input_tokens, output_tokens, others, *rest = row
    texts, numbers = rest[: len(_TEXTS)], rest[len(_TEXTS) :]
    common = [
        MeterLine(meter, int(quantity), stored_to_pico(usd))
        for meter, quantity, usd in zip(COMMON_METERS, numbers[::2], numbers[1::2], strict=True)
        if quantity
    ]
    rare = [
        MeterLine(meter, int(quantity), usd_to_pico(Decimal(usd)))
        for meter, (quantity, usd) in json.loads(others or "{}").items()
    ]
    return CallRow(
        start,
        end,
        stored_to_pico(cost),
        stored_to_pico(list_cost),
        input_tokens,
        output_tokens,
        (*common, *rare),
        *texts,
    )
