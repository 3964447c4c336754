"""Takes old calls out of the ledger, a slice at a time, and keeps what they added up to.

Everything that is known of a call has its start in its key, so cutting all tables at one moment
leaves sums that agree. The moment is the *horizon*: no row is from before it, and none comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from taximeter_processor.ledger import carried, queries
from taximeter_processor.ledger.queries import Window, in_window
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.store import Changes, LedgerStore, Reads

TABLES: Final = ("calls", "first_counted", "duplicates", "restatements")
SLICE_CALLS: Final = 20_000
"""About as many calls go in one transaction, for which new spans wait."""
LOOK_AFTER_US: Final = 86_400_000_000
"""A call that is younger cannot be from before the horizon, which is not looked up for it."""
_MINUTE_US: Final = 60_000_000
_DAY_US: Final = 86_400_000_000


class Going(NamedTuple):
    """Rows that went, or would go, and what the calls among them cost."""

    horizon_us: int
    """Where the ledger begins then."""
    removed: dict[str, int]
    cost_pico: int


def prune_slice(
    store: LedgerStore,
    until_us: int,
    bounds_pico: Sequence[int],
    now_us: int,
    most: int = SLICE_CALLS,
) -> Going:
    """Prune the oldest calls that began before a moment; done when the horizon is there.

    `bounds_pico` are those of the histogram of the cost of a request. Called by the thread that
    appends. Raises `LedgerError`, and nothing has changed then.
    """

    def work(changes: Changes) -> Going:
        begin_us = queries.horizon_us(changes)
        if begin_us >= until_us:
            return Going(begin_us, dict.fromkeys((*TABLES, "dead_letters"), 0), 0)
        end_us = _slice_end(changes, begin_us, until_us, most)
        window = Window("pruned", begin_us, end_us)
        carried.keep(changes, window, bounds_pico, now_us)
        cost_pico = queries.totals(changes, within=window).cost_pico
        changes.move_hours(in_window(window), "-")
        removed = {
            table: changes.execute(f"delete from {table} where {in_window(window)}")
            for table in TABLES
        }
        removed["dead_letters"] = changes.execute(
            "delete from dead_letters where received_at < make_timestamp(?)", [end_us]
        )
        changes.execute("delete from horizon")
        changes.execute(
            "insert into horizon values (make_timestamp(?), make_timestamp(?))", [end_us, now_us]
        )
        return Going(end_us, removed, cost_pico)

    return store.change(work)


def would_go(reads: Reads, until_us: int) -> Going:
    """What pruning up to a moment would remove."""
    window = Window("pruned", 0, until_us)
    removed = {
        table: _count(reads, f"select count(*) from {table} where {in_window(window)}")
        for table in TABLES
    }
    removed["dead_letters"] = _count(
        reads, f"select count(*) from dead_letters where received_at < make_timestamp({until_us})"
    )
    horizon_us = max(until_us, queries.horizon_us(reads))
    return Going(horizon_us, removed, queries.totals(reads, within=window).cost_pico)


def calls_before_horizon(reads: Reads) -> int:
    """Calls in the ledger that should have gone: 0."""
    return _count(
        reads,
        "select count(*) from calls where start_time < (select max(start_time) from horizon)",
    )


def within_retention(reads: Reads, records: list[Record]) -> list[Record]:
    """Records that began after the horizon; an engine stores no others."""
    if not records:
        return records
    oldest_us = min(record.start_time for record in records)
    if oldest_us >= records[-1].ingested_at - LOOK_AFTER_US:
        return records
    horizon_us = queries.horizon_us(reads)
    if oldest_us >= horizon_us:
        return records
    return [record for record in records if record.start_time >= horizon_us]


def _slice_end(reads: Reads, begin_us: int, until_us: int, most: int) -> int:
    """Whole minutes of at most a day with calls in it, about `most` calls of them."""
    found = begin_us and _end_within_a_day(reads, begin_us, until_us, most)
    if found:
        return found
    ((first,),) = reads.read(
        "select epoch_us(min(start_time)) from calls "
        f"where {in_window(Window('old', begin_us, until_us))}"
    )
    if first is None:
        return until_us
    return _end_within_a_day(reads, first // _MINUTE_US * _MINUTE_US, until_us, most) or until_us


def _end_within_a_day(reads: Reads, begin_us: int, until_us: int, most: int) -> int:
    """0 when the day has no calls."""
    end_us = min(begin_us + _DAY_US, until_us)
    minutes = reads.read(
        f"select epoch_us(start_time) // {_MINUTE_US} as minute, count(*) from calls "
        f"where {in_window(Window('day', begin_us, end_us))} group by minute order by minute"
    )
    taken = 0
    for minute, count in minutes:
        if taken and taken + count > most:
            return int(minute) * _MINUTE_US
        taken += count
    return end_us if minutes else 0


def _count(reads: Reads, sql: str) -> int:
    ((count,),) = reads.read(sql)
    return int(count)
