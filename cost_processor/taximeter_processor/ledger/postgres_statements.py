"""What one transaction does to the ledger's tables with the rows it brought into `batch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from taximeter_processor.ledger.postgres_copy import staged
from taximeter_processor.ledger.postgres_hourly import RETURNED, add_calls, move
from taximeter_processor.ledger.record import COLUMNS, FIXED

_NAMES: Final = ", ".join(name for name, _ in COLUMNS)
_STAGED: Final = ", ".join(staged(name, kind) for name, kind in COLUMNS)
_STORED: Final = ", ".join(f"calls.{name}" for name, _ in COLUMNS)
_SAME_ROW: Final = (
    "calls.trace_id = batch.trace_id and calls.span_id = batch.span_id "
    "and calls.start_time = make_timestamp(batch.start_time)"
)
_ASSIGNED: Final = ", ".join(
    f"{name} = {staged(name, kind)}" for name, kind in COLUMNS if name not in FIXED
)
_CHANGED: Final = f"calls join batch on {_SAME_ROW} where batch.kind = 'restated'"
_RETIRED: Final = f"calls join batch on {_SAME_ROW} where batch.kind = 'retired'"

_COUNT: Final = (
    f"with counted as (insert into calls ({_NAMES}) select {_STAGED} from batch "
    "where kind = 'counted' and not exists (select from duplicates d where "
    "d.trace_id = batch.trace_id and d.span_id = batch.span_id "
    "and d.start_time = make_timestamp(batch.start_time)) "
    # In one order, so that two transactions with the same rows do not wait for each other.
    f"order by trace_id, span_id, batch.start_time on conflict do nothing returning {RETURNED}), "
)


def insert(dimensions: Sequence[str]) -> str:
    """Stores what is to be counted and adds it to the sums; tells how much of it was new."""
    return f"{_COUNT} added as ({add_calls(dimensions, 'counted')}) select count(*) from counted"


INSERT_AND_NOTE: Final = f"{_COUNT} noted as ({move('counted')}) select count(*) from counted"
"""The same, but only notes what it adds: more changes follow in the transaction."""
IS_STORED: Final = " union all ".join(
    f"select 1 from {table} where trace_id = $1 and span_id = $2 "
    "and start_time = make_timestamp($3) and writer = $4 and ingested_at = make_timestamp($5)"
    for table in ("calls", "first_counted")
)
"""Rows if a call is in the ledger as it arrived: as it is, or was before it was taken out."""
LOCK_ROWS: Final = (
    f"select from {_CHANGED} order by calls.trace_id, calls.span_id, calls.start_time "
    "for update of calls"
)
TELL: Final = (
    "select batch.reason, calls.cost_usd, batch.cost_usd, batch.feature, batch.team, "
    "batch.request_type, batch.provider, batch.model, batch.environment "
    f"from {_CHANGED} order by calls.start_time, calls.trace_id, calls.span_id"
)
"""What a restatement changes."""
RESTATE: Final = (
    f"insert into first_counted ({_NAMES}) select {_STORED} from {_CHANGED} "
    "and not calls.is_restated",
    "insert into restatements select calls.trace_id, calls.span_id, calls.start_time, "
    "calls.writer, make_timestamp(batch.at), batch.reason, calls.cost_usd, batch.cost_usd "
    f"from {_CHANGED}",
    move(f"(select calls.* from {_CHANGED}) c", "-"),
    f"update calls set {_ASSIGNED}, is_restated = true from batch "
    f"where {_SAME_ROW} and batch.kind = 'restated'",
    move(f"(select calls.* from {_CHANGED}) c"),
)
"""In order: the rows as first counted, the audit, the rows between what they took and give."""
RETIRE: Final = (
    f"insert into first_counted ({_NAMES}) select {_STORED} from {_RETIRED} "
    "and not calls.is_restated",
    "insert into restatements select calls.trace_id, calls.span_id, calls.start_time, "
    "calls.writer, make_timestamp(batch.at), batch.reason, calls.cost_usd, 0 "
    f"from {_RETIRED}",
    move(f"(select calls.* from {_RETIRED}) c", "-"),
    f"delete from calls using batch where {_SAME_ROW} and batch.kind = 'retired'",
)
"""The same for rows that turned out to be no calls of their own."""
KEEP_DUPLICATES: Final = (
    f"insert into duplicates ({_NAMES}, reason, of_trace_id, of_span_id, of_start_time) "
    f"select {_STAGED}, reason, of_trace_id, of_span_id, make_timestamp(of_start_time) "
    "from batch where kind = 'duplicate'"
)
