"""Reads single calls of the ledger: pages of a filtered slice.

Money is pico-USD, times are µs UTC. The SQL is shared by all engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.slices import Where, conditions
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.stretches import between
from taximeter_processor.money import stored_to_pico, usd_to_pico

_TEXTS: Final = (
    "trace_id",
    "span_id",
    "feature",
    "tenant",
    "team",
    "request_type",
    "environment",
    "provider",
    "model",
    "service_tier",
    "status",
    "unpriced_reason",
)
_SELECTED: Final = (
    f"epoch_us(start_time), cost_usd, input_tokens, output_tokens, {', '.join(_TEXTS)}"
)


class CallRow(NamedTuple):
    """One call as pages show it; texts are as stored, empty where there is none."""

    start_us: int
    cost_pico: int
    input_tokens: int | None
    output_tokens: int | None
    trace_id: str
    span_id: str
    feature: str
    tenant: str
    team: str
    request_type: str
    environment: str
    provider: str
    model: str
    service_tier: str
    status: str
    unpriced_reason: str


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
        f"select {_SELECTED} from calls where {between(start_us, end_us)}"
        f"{filters}{paging} "
        f"order by {descending} limit {int(limit)}",
        parameters,
    )
    return [_row(row) for row in rows]


def _row(row: Sequence[Any]) -> CallRow:
    start_us, cost, *rest = row
    return CallRow(start_us, stored_to_pico(cost), *rest)
