"""Reads single calls of the ledger: pages of a filtered slice, newest or dearest first.

Money is pico-USD, times are µs UTC. The SQL is shared by all engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from taximeter_processor.ledger.filters import Where, tagged
from taximeter_processor.ledger.record import COLUMNS
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.stretches import between
from taximeter_processor.money import format_usd, stored_to_pico

REQUEST_COLUMNS: Final = (
    "start_time",
    "end_time",
    "trace_id",
    "span_id",
    "feature",
    "tenant",
    "team",
    "request_type",
    "environment",
    "service_name",
    "provider",
    "request_model",
    "response_model",
    "model",
    "operation",
    "service_tier",
    "status",
    "unpriced_reason",
    "usage_status",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_usd",
    "list_cost_usd",
    "price_version",
    "emitter",
    "writer",
    "ingested_at",
)
"""What is told of one call: no content, because there is none."""
_TIMES: Final = frozenset(name for name, kind in COLUMNS if kind == "time")
_SELECTED: Final = ", ".join(
    f"epoch_us({name})" if name in _TIMES else name for name in REQUEST_COLUMNS
)

Order = Literal["newest", "dearest"]
"""What comes first; of equally dear calls the newest."""


class Place(NamedTuple):
    """Where a call stands in either order."""

    start_us: int
    trace_id: str
    span_id: str
    cost_pico: int


def place_of(call: Mapping[str, Any]) -> Place:
    """Where a call that `requests` told stands."""
    return Place(call["start_time"], call["trace_id"], call["span_id"], call["cost_usd"])


def requests(
    store: LedgerStore,
    start_us: int,
    end_us: int,
    where: Mapping[str, str],
    limit: int,
    *,
    order: Order = "newest",
    after: Place | None = None,
) -> list[dict[str, Any]]:
    """At most `limit` calls of [start, end) in an order; with `after`, those that follow it.

    Keys are `REQUEST_COLUMNS`; times are µs, money is pico-USD. What is inserted later moves no
    call to another page; a new price moves a call among the dearest.
    """
    filters, parameters = tagged(Where(where))
    key = (*(("cost_usd",) if order == "dearest" else ()), "start_time", "trace_id", "span_id")
    if after is not None:
        moment = f"make_timestamp({int(after.start_us)})"
        marks: tuple[str, ...] = (moment, "?", "?")
        if order == "dearest":
            marks = ("cast(? as decimal(24,12))", *marks)
            parameters.append(format_usd(after.cost_pico))
        else:
            # It says no more than the comparison of rows; it is what an engine can skip by.
            filters += f" and start_time <= {moment}"
        filters += f" and ({', '.join(key)}) < ({', '.join(marks)})"
        parameters += [after.trace_id, after.span_id]
    rows = store.read(
        f"select {_SELECTED} from calls where {between(start_us, end_us)}{filters} "
        f"order by {', '.join(f'{name} desc' for name in key)} limit {int(limit)}",
        parameters,
    )
    return [
        {
            name: stored_to_pico(value) if name.endswith("_usd") else value
            for name, value in zip(REQUEST_COLUMNS, row, strict=True)
        }
        for row in rows
    ]
