"""Everything the ledger holds of one trace: calls, what was not counted beside them, and changes.

The SQL is the part DuckDB and PostgreSQL share; `?` marks parameters. Times are µs UTC, money is
pico-USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from taximeter_processor.ledger.identity import Duplicate
from taximeter_processor.ledger.record import Key, Record, key_of
from taximeter_processor.ledger.rows import SELECTED, record_of
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import stored_to_pico

MOST_CALLS: Final = 1_000
"""Rows of each kind that are read of one trace."""


class CostChange(NamedTuple):
    """One restatement of one row."""

    restated_at: int
    """µs, UTC."""
    reason: str
    old_cost: int
    """Pico-USD, like `new_cost`."""
    new_cost: int
    writer: str


class Trace(NamedTuple):
    """One trace, or one span of it."""

    calls: list[Record]
    """The oldest first, at most `MOST_CALLS`."""
    total_calls: int
    cost_pico: int
    """Of all calls, also of those that are left out here."""
    duplicates: list[Duplicate]
    """Rows that tell of these calls or that belong to this trace; `of` is the call that counts."""
    changes: Mapping[Key, list[CostChange]]
    """Restatements, the oldest first."""
    is_truncated: bool
    """There is more of one kind than is told here."""


def trace(store: LedgerStore, trace_id: str, span_id: str = "") -> Trace:
    """What the ledger knows of a trace; nothing is an empty `Trace`, not an error."""
    where, parameters = _where(trace_id, span_id)
    ((total, cost),) = store.read(f"select count(*), sum(cost_usd) from calls{where}", parameters)
    rows = store.read(
        f"select {SELECTED} from calls{where} order by start_time, span_id limit {MOST_CALLS}",
        parameters,
    )
    duplicates = _duplicates(store, trace_id)
    calls = [record_of(row) for row in rows]
    changes, told = _changes(store, trace_id, span_id)
    return Trace(
        calls,
        total,
        stored_to_pico(cost) if cost is not None else 0,
        [
            duplicate
            for duplicate in _resolved(duplicates[:MOST_CALLS])
            if span_id in ("", duplicate.of[1], duplicate.record.span_id)
        ],
        changes,
        max(total, len(duplicates), told) > MOST_CALLS,
    )


def _where(trace_id: str, span_id: str) -> tuple[str, list[object]]:
    if span_id:
        return " where trace_id = ? and span_id = ?", [trace_id, span_id]
    return " where trace_id = ?", [trace_id]


def _duplicates(store: LedgerStore, trace_id: str) -> list[Duplicate]:
    """Of the whole trace, as one may tell of another; one more than is told, to know of more."""
    found: dict[Key, Duplicate] = {}
    for column in ("of_trace_id", "trace_id"):
        rows = store.read(
            f"select {SELECTED}, reason, of_trace_id, of_span_id, epoch_us(of_start_time) "
            f"from duplicates where {column} = ? "
            f"order by start_time, span_id limit {MOST_CALLS + 1}",
            [trace_id],
        )
        for *row, reason, of_trace_id, of_span_id, of_start_us in rows:
            record = record_of(tuple(row))
            of = (of_trace_id, of_span_id, of_start_us)
            found[key_of(record)] = Duplicate(record, reason, of)
    return list(found.values())


def _resolved(duplicates: list[Duplicate]) -> list[Duplicate]:
    """Each with the call that counts: what it tells of may have become a duplicate itself."""
    of = {key_of(duplicate.record): duplicate.of for duplicate in duplicates}
    found = []
    for duplicate in duplicates:
        key = duplicate.of
        for _ in range(len(of)):
            if key not in of:
                break
            key = of[key]
        found.append(duplicate._replace(of=key))
    return found


def _changes(
    store: LedgerStore, trace_id: str, span_id: str
) -> tuple[dict[Key, list[CostChange]], int]:
    where, parameters = _where(trace_id, span_id)
    rows: list[Any] = store.read(
        "select trace_id, span_id, epoch_us(start_time), epoch_us(restated_at), reason, "
        f"old_cost_usd, new_cost_usd, writer from restatements{where} "
        f"order by restated_at, span_id limit {MOST_CALLS + 1}",
        parameters,
    )
    found: dict[Key, list[CostChange]] = {}
    for trace, span, start_us, at_us, reason, old, new, writer in rows[:MOST_CALLS]:
        change = CostChange(at_us, reason, stored_to_pico(old), stored_to_pico(new), writer)
        found.setdefault((trace, span, start_us), []).append(change)
    return found, len(rows)
