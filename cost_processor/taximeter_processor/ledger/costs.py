"""Named reads for people who drill down: what groups of calls cost in stretches of time, and calls.

Like `queries`: µs UTC and pico-USD, in the SQL that DuckDB and PostgreSQL share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.queries import Spend
from taximeter_processor.ledger.record import COLUMNS, DIMENSIONS
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.stretches import between, stretch_number
from taximeter_processor.ledger.summed import summed
from taximeter_processor.money import stored_to_pico
from taximeter_processor.names import UNKNOWN_VALUE

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
FILTERS: Final = (*DIMENSIONS, "trace_id")
_TIMES: Final = frozenset(name for name, kind in COLUMNS if kind == "time")


def costs(
    store: LedgerStore,
    group: Sequence[str],
    bounds_us: Sequence[int],
    where: Mapping[str, str],
    limit: int,
) -> list[tuple[int, Spend]]:
    """(number of the stretch, what a group cost in it): oldest first, then the dearest.

    Stretches lie between neighbouring bounds. Absent tags are the group `unknown`. At most `limit`
    rows come. Groups and filters are names of `FILTERS`.
    """
    names = "".join(f", g{number}" for number in range(len(group)))
    shown = "".join(
        f", coalesce(nullif({name}, ''), '{UNKNOWN_VALUE}') g{number}"
        for number, name in enumerate(group)
    )
    conditions, parameters = _conditions(bounds_us[0], bounds_us[-1], where)
    found = summed(store, (*group, *where), bounds_us)
    rows = store.read(
        f"select {stretch_number(bounds_us[1:-1])} bucket{shown}, sum(cost_usd), "
        f"{found.requests}, {found.unpriced}, sum(input_tokens), sum(output_tokens) "
        f"from {found.table} where {conditions} "
        f"group by bucket{names} order by bucket, sum(cost_usd) desc{names} limit {int(limit)}",
        parameters,
    )
    width = len(group) + 1
    return [
        (
            row[0],
            Spend(
                tuple(row[1:width]),
                stored_to_pico(row[width]),
                *(int(value or 0) for value in row[width + 1 :]),
            ),
        )
        for row in rows
    ]


class Position(NamedTuple):
    """Where a call stands in the order of `requests`."""

    start_us: int
    trace_id: str
    span_id: str


def requests(
    store: LedgerStore,
    start_us: int,
    end_us: int,
    where: Mapping[str, str],
    limit: int,
    after: Position | None = None,
) -> list[dict[str, Any]]:
    """At most `limit` calls of [start, end), newest first; with `after`, those that follow it.

    Keys are `REQUEST_COLUMNS`; times are µs, money is pico-USD. What is inserted later moves no
    call to another page.
    """
    conditions, parameters = _conditions(start_us, end_us, where)
    if after is not None:
        # The first comparison says no more than the second; it is what an engine can skip by.
        conditions += (
            f" and start_time <= make_timestamp({after.start_us}) and (start_time, trace_id, "
            f"span_id) < (make_timestamp({after.start_us}), ?, ?)"
        )
        parameters += [after.trace_id, after.span_id]
    selected = ", ".join(
        f"epoch_us({name})" if name in _TIMES else name for name in REQUEST_COLUMNS
    )
    rows = store.read(
        f"select {selected} from calls where {conditions} "
        f"order by start_time desc, trace_id desc, span_id desc limit {int(limit)}",
        parameters,
    )
    return [
        {
            name: stored_to_pico(value) if name.endswith("_usd") else value
            for name, value in zip(REQUEST_COLUMNS, row, strict=True)
        }
        for row in rows
    ]


def _conditions(start_us: int, end_us: int, where: Mapping[str, str]) -> tuple[str, list[object]]:
    """SQL for the rows of a range under filters, and its parameters."""
    text = between(int(start_us), int(end_us))
    parameters: list[object] = []
    for name, value in where.items():
        if name not in FILTERS:
            raise ValueError(f"{name!r} is no filter: expected one of {', '.join(FILTERS)}")
        # A tag may really be `unknown`: it is shown like an absent one, and found with it.
        text += f" and {name} in (?, ?)" if value == UNKNOWN_VALUE else f" and {name} = ?"
        parameters += ["", value] if value == UNKNOWN_VALUE else [value]
    return text, parameters
