"""Takes a tenant's name out of the ledger, a slice at a time; calls and money stay.

A row in `erasures` says when and how many rows, and nothing that leads back to the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from taximeter_processor.ledger.queries import EVER, Window, in_window
from taximeter_processor.ledger.store import Changes, LedgerStore, Reads

FORGOTTEN: Final = "forgotten"
TABLES: Final = ("calls", "first_counted", "duplicates")
SLICE_CALLS: Final = 20_000
_MINUTE_US: Final = 60_000_000


class Erased(NamedTuple):
    """Rows that had the name."""

    rows: dict[str, int]
    next_us: int | None
    """Where to go on; None when the name is nowhere any more."""


class Erasures(NamedTuple):
    """All erasures together."""

    calls: int
    last_us: int | None


def erase_slice(
    store: LedgerStore,
    names: Sequence[str],
    since_us: int,
    now_us: int,
    most: int = SLICE_CALLS,
) -> Erased:
    """Forget a tenant in whole minutes from a moment on, about `most` calls of them.

    `names` are all that the tenant is stored under. Called by the thread that appends. Raises
    `LedgerError`, and nothing has changed then.
    """

    def work(changes: Changes) -> Erased:
        end_us = _slice_end(changes, names, since_us, most)
        window = in_window(Window("slice", since_us, EVER.end_us if end_us is None else end_us))
        among = _among(names)
        moved = f"{window} and tenant in ({among}, '{FORGOTTEN}')"
        changes.move_hours(moved, "-", names)
        rows = {
            table: changes.execute(
                f"update {table} set tenant = '{FORGOTTEN}' where {window} and tenant in ({among})",
                names,
            )
            for table in TABLES
        }
        changes.move_hours(moved, "", names)
        if any(rows.values()):
            changes.execute(
                "insert into erasures values (make_timestamp(?), ?, ?, ?)",
                [now_us, *(rows[table] for table in TABLES)],
            )
        return Erased(rows, end_us)

    return store.change(work)


def would_be_erased(reads: Reads, names: Sequence[str]) -> Erased:
    """Rows that have one of the names."""
    rows = {}
    for table in TABLES:
        ((rows[table],),) = reads.read(
            f"select count(*) from {table} where tenant in ({_among(names)})", names
        )
    return Erased(rows, None)


def erased(reads: Reads) -> Erasures:
    """What was forgotten so far."""
    ((calls, last),) = reads.read(
        "select coalesce(sum(calls), 0), epoch_us(max(erased_at)) from erasures"
    )
    return Erasures(int(calls), last)


def _among(names: Sequence[str]) -> str:
    return ", ".join("?" * len(names))


def _slice_end(reads: Reads, names: Sequence[str], since_us: int, most: int) -> int | None:
    minutes = reads.read(
        f"select epoch_us(start_time) // {_MINUTE_US} as minute, count(*) from calls "
        f"where start_time >= make_timestamp({since_us}) and tenant in ({_among(names)}) "
        "group by minute order by minute",
        names,
    )
    taken = 0
    for minute, count in minutes:
        if taken and taken + count > most:
            return int(minute) * _MINUTE_US
        taken += count
    return None
