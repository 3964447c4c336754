"""What people decide and what is worked out once, kept beside the calls: an append-only journal.

An entry of a name that is there already replaces it for `current`; both stay. A body is JSON text
of at most 1 MiB and never holds content of calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from taximeter_processor.ledger.store import Changes, LedgerStore, Reads

MOST_BODY_BYTES: Final = 1 << 20


class Entry(NamedTuple):
    """One thing that was written down."""

    kind: str
    name: str
    written_us: int
    body: str


def create_journal(text: str, time: str) -> str:
    """SQL for both engines, given how they spell text and time."""
    return f"""
    create table journal (
      kind {text} not null, name {text} not null, written_at {time} not null, body {text} not null,
      primary key (kind, name, written_at)
    );
    """


def write(store: LedgerStore, entries: Sequence[Entry]) -> None:
    """Keep entries, all of them or none. Called by the thread that appends.

    Raises `ValueError` for a body past its limit; `LedgerError`, and nothing has changed then.
    """
    for entry in entries:
        size = len(entry.body.encode())
        if size > MOST_BODY_BYTES:
            raise ValueError(
                f"{entry.kind} {entry.name}: {size:,} bytes, expected {MOST_BODY_BYTES:,} at most"
            )

    def work(changes: Changes) -> None:
        for entry in entries:
            changes.execute(
                "insert into journal values (?, ?, make_timestamp(?), ?)",
                [entry.kind, entry.name, entry.written_us, entry.body],
            )

    store.change(work)


def newest(reads: Reads, kind: str, limit: int = 1) -> list[Entry]:
    """The last entries of a kind, newest first."""
    return _entries(
        reads,
        "select kind, name, epoch_us(written_at), body from journal where kind = ? "
        f"order by written_at desc, name limit {limit}",
        kind,
    )


def current(reads: Reads, kind: str) -> list[Entry]:
    """The last entry of each name of a kind, oldest first."""
    return _entries(
        reads,
        "select kind, name, epoch_us(written_at), body from ("
        "select *, row_number() over (partition by name order by written_at desc) as place "
        "from journal where kind = ?) j where place = 1 order by written_at, name",
        kind,
    )


def _entries(reads: Reads, sql: str, kind: str) -> list[Entry]:
    return [Entry(*row) for row in reads.read(sql, [kind])]
