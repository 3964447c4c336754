"""What every ledger engine can do: append once, restate with an audit, read, say how it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from taximeter_processor.ledger.arrivals import Arrival, Arrived
from taximeter_processor.ledger.identity import NO_LINKS, Links
from taximeter_processor.ledger.record import Change, DeadLetter, Record, Restatement

Row = tuple[Any, ...]
Parameters = Sequence[object] | Mapping[str, object]
Result = TypeVar("Result")

SNAPSHOT_SECONDS: Final = 600
"""What a read of `LedgerStore.snapshot` is given."""


class HourlySums(NamedTuple):
    """A table with a column `hour`, one for each dimension, and `hourly.MEASURES`."""

    table: str
    dimensions: frozenset[str]
    until_us: int | None
    """Hours that end by then are in it; None: all."""


class Reads(Protocol):
    """What answers queries."""

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Rows of one query, as they were at one moment. Raises `LedgerError`."""
        ...


class Changes(Reads, Protocol):
    """One transaction between those that append: all of it is committed, or nothing."""

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Rows that a statement touched."""
        ...

    def move_hours(self, condition: str, sign: str, parameters: Parameters = ()) -> None:
        """Take calls that meet a condition out of the hourly sums (`-`), or add them (no sign)."""
        ...


class LedgerStore(Reads, Protocol):
    """One ledger. `append` is called by one thread; reads may come from any."""

    let_go: Counter[str]
    """How often a limit of what is remembered of tellings was reached since the start: `links`,
    `open_traces`, `rows`."""

    def append(
        self,
        records: Sequence[Record],
        dead_letters: Sequence[DeadLetter] = (),
        links: Links = NO_LINKS,
        arrivals: Sequence[Arrival] = (),
    ) -> list[Record]:
        """Commit calls that are new, in one transaction; returns exactly what is counted.

        A repeated key, in the batch or in the ledger, is left out; a row that tells of a call
        that is already counted is kept as its duplicate (see `identity`), for which `links` leads
        across spans that are no calls. Links are kept for later commits, the newest of them, and
        may come alone. `arrivals` come out of `arrived`, here or in another process. Raises
        `LedgerError` and changes nothing when the commit fails. Rows from before the horizon (see
        `prune`) are left out, too.
        """
        ...

    def arrived(self) -> Arrived:
        """Numbers of spans to watch for gaps in, committed since this was asked last.

        Where several processes write one ledger, one of them gets the numbers of all.
        """
        ...

    def restate(self, changes: Sequence[Restatement]) -> list[Change]:
        """Replace rows and write what that did to their cost beside them, in one transaction.

        Counters do not move: what a row said when it was first counted is kept. Keys that are not
        in the ledger are left out, and the last of a repeated key wins. Called by the thread that
        appends.
        """
        ...

    def change(self, work: Callable[[Changes], Result]) -> Result:
        """Do what else is to be done to the tables, while nobody else writes to them.

        Called by the thread that appends. Raises `LedgerError`, and nothing has changed then.
        """
        ...

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Rows of one query on a consistent snapshot, within the time and memory limits.

        Raises `LedgerError` when a limit is hit.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Reads]:
        """Reads of one moment, whoever commits meanwhile: for proofs, and for counters to begin.

        Entered by the thread that appends. Such a read is given ten minutes.
        """
        ...

    def backup(self, name: str) -> Path:
        """Copy what is committed now to a new file of that name, while others read and write.

        May be called from any thread. Raises `ValueError` for a name that cannot be used or an
        engine that is copied from outside, `LedgerError` when the copy fails.
        """
        ...

    def hourly_sums(self) -> Sequence[HourlySums]:
        """Tables of exact sums that stand for the calls of whole hours; see `summed`."""
        ...

    def size_bytes(self) -> int:
        """Bytes on disk."""
        ...

    def close(self) -> None:
        """Checkpoint and give the ledger up. Idempotent."""
        ...
