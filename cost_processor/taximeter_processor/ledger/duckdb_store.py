"""The embedded ledger: one DuckDB file, owned by one process, written by one connection."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.arrivals import Arrival, Arrived
from taximeter_processor.ledger.arrow import ArrowSource
from taximeter_processor.ledger.duckdb_changes import DuckDBChanges
from taximeter_processor.ledger.duckdb_copy import copy_out
from taximeter_processor.ledger.duckdb_file import GIVEN_UP, interrupted, open_file
from taximeter_processor.ledger.duckdb_hourly import PastHours
from taximeter_processor.ledger.duckdb_identity import Related
from taximeter_processor.ledger.duckdb_schema import (
    EXECUTE_INSERT,
    KEEP_DUPLICATES,
    MIGRATIONS,
    PREPARE_INSERT,
    PROVE_ROOM,
    lookup,
    restate,
    retire,
    stored,
)
from taximeter_processor.ledger.identity import (
    NO_LINKS,
    Decision,
    Duplicate,
    Links,
    decide,
)
from taximeter_processor.ledger.prune import within_retention
from taximeter_processor.ledger.record import (
    KEY,
    Change,
    DeadLetter,
    Record,
    Restatement,
    key_of,
)
from taximeter_processor.ledger.store import (
    SNAPSHOT_SECONDS,
    Changes,
    HourlySums,
    Parameters,
    Reads,
    Result,
    Row,
)
from taximeter_processor.money import stored_to_pico

READERS = 2

_log = logging.getLogger(__name__)


class DuckDBStore:
    """A `LedgerStore` in a DuckDB file; no extension is loaded and nothing outside it is read.

    The engine gives a file up for good when it cannot tidy up its log, as on a full disk. The next
    commit then opens it anew, which loses nothing: what was committed is in the file and its log.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        memory_mb: int = 96,
        read_seconds: float = 10.0,
        dead_letter_limit: int = 10_000,
    ) -> None:
        self.path = Path(path)
        self._read_seconds = read_seconds
        self._dead_letter_limit = dead_letter_limit
        self._readers = threading.BoundedSemaphore(READERS)
        self._copying = threading.Lock()
        self._arrived: list[Arrival] = []
        self._memory_mb = memory_mb
        self._closed = False
        self._is_given_up = False
        self._has_failed = False
        self._in_doubt: list[Record] = []
        self._settled: list[Record] = []
        self.let_go: Counter[str] = Counter()
        self._open()

    def _open(self) -> None:
        self._connection = open_file(self.path, self._memory_mb)
        self._writer = self._connection.cursor()
        self._migrate()
        self._batch = ArrowSource(Record._fields)
        self._keys = ArrowSource(KEY)
        self._writer.register("batch", self._batch)
        self._writer.register("keys", self._keys)
        self._related = Related(self._writer, self.let_go)
        self._hours = PastHours(self._writer)
        self._writer.execute(PREPARE_INSERT)

    def append(
        self,
        records: Sequence[Record],
        dead_letters: Sequence[DeadLetter] = (),
        links: Links = NO_LINKS,
        arrivals: Sequence[Arrival] = (),
    ) -> list[Record]:
        """See `LedgerStore.append`.

        Rows of a commit that went through as the file was given up are returned by the next one.
        """
        unique = list({key_of(record): record for record in reversed(records)}.values())
        unique.reverse()
        counted: list[Record] = []
        self._reopen_if_given_up()
        try:
            if self._has_failed and not (unique or dead_letters):
                self._prove_room()
            self._sum_up(unique[-1].ingested_at if unique else _now_us())
            with self._transaction():
                counted = self._take(unique, links)
                self._keep(dead_letters)
        except duckdb.Error as error:
            self._note(error, counted)
            raise LedgerError(f"{self.path}: the commit failed: {error}") from error
        self._has_failed = False
        self._arrived += arrivals
        settled, self._settled = self._settled, []
        return settled + counted

    def arrived(self) -> Arrived:
        """See `LedgerStore.arrived`: what came, came here."""
        arrived, self._arrived = Arrived(0, self._arrived), []
        return arrived

    def restate(self, changes: Sequence[Restatement]) -> list[Change]:
        """See `LedgerStore.restate`."""
        self._reopen_if_given_up()
        try:
            with self._transaction():
                return self._restate(changes)
        except duckdb.Error as error:
            self._note(error, [])
            raise LedgerError(f"{self.path}: the restatement failed: {error}") from error

    def change(self, work: Callable[[Changes], Result]) -> Result:
        """See `LedgerStore.change`."""
        self._reopen_if_given_up()
        try:
            with self._transaction():
                changes = DuckDBChanges(self._writer, self._hours)
                result = work(changes)
                changes.end()
                return result
        except duckdb.Error as error:
            self._note(error, [])
            raise LedgerError(f"{self.path}: the change failed: {error}") from error

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """See `LedgerStore.read`."""
        return self.read_within(self._read_seconds, sql, parameters)

    def read_within(self, seconds: float, sql: str, parameters: Parameters) -> list[Row]:
        """The same with a limit of time of its own."""
        if not self._readers.acquire(timeout=seconds):
            raise LedgerError(f"no reader was free within {seconds:g} s")
        try:
            with self._connection.cursor() as cursor, interrupted(cursor, seconds):
                return cursor.execute(sql, parameters or None).fetchall()
        except duckdb.InterruptException as error:
            raise LedgerError(f"the query took longer than {seconds:g} s") from error
        except duckdb.Error as error:
            raise LedgerError(f"{self.path}: {error}") from error
        finally:
            self._readers.release()

    def snapshot(self) -> contextlib.AbstractContextManager[Reads]:
        """See `LedgerStore.snapshot`: nothing is committed but by the thread that asks."""
        return contextlib.nullcontext(_Snapshot(self))

    def backup(self, name: str) -> Path:
        """See `LedgerStore.backup`: a file in the folder `backups` beside this one."""
        if not self._copying.acquire(blocking=False):
            raise LedgerError("another backup is being made: try again when it is done")
        try:
            return copy_out(self._connection, self.path, name)
        finally:
            self._copying.release()

    def hourly_sums(self) -> Sequence[HourlySums]:
        """See `LedgerStore.hourly_sums`: of past hours only."""
        return self._hours.sums()

    def size_bytes(self) -> int:
        """See `LedgerStore.size_bytes`."""
        files = (self.path, Path(f"{self.path}.wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """See `LedgerStore.close`."""
        if not self._closed:
            self._closed = True
            self._writer.close()
            self._connection.close()

    def _sum_up(self, now_us: int) -> None:
        if self._hours.is_due(now_us):
            with self._transaction():
                until_us = self._hours.sum_up(now_us)
            self._hours.until_us = until_us

    def _note(self, error: duckdb.Error, counted: list[Record]) -> None:
        """Remember that a commit failed, if the file was given up, and what may be in it yet."""
        self._has_failed = True
        if isinstance(error, GIVEN_UP):
            self._is_given_up = True
            self._in_doubt += counted

    def _prove_room(self) -> None:
        """Write something: an empty commit says nothing about a disk that was full."""
        for statement in PROVE_ROOM:
            with self._transaction():
                self._writer.execute(statement)

    def _reopen_if_given_up(self) -> None:
        """Raises `LedgerError` when the file cannot be opened yet."""
        if not self._is_given_up:
            return
        _log.warning("%s is opened anew: the engine had given it up", self.path)
        try:
            with contextlib.ExitStack() as kept_out:
                # As long as one reader holds the old connection, there is no new one.
                for _ in range(READERS):
                    kept_out.enter_context(self._readers)
                self._writer.close()
                self._connection.close()
                self._open()
            stored = self._known(self._in_doubt)
        except duckdb.Error as error:
            raise LedgerError(f"{self.path} cannot be opened anew yet: {error}") from error
        self._settled += [record for record in self._in_doubt if key_of(record) in stored]
        self._in_doubt = []
        self._is_given_up = False

    def _take(self, records: list[Record], links: Links) -> list[Record]:
        """Store rows that are new, each call counted by one of them."""
        records = within_retention(DuckDBChanges(self._writer, self._hours), records)
        if not records and not links:
            return []
        stored = self._known(records)
        fresh = [record for record in records if key_of(record) not in stored]
        found = self._related.find(fresh, links)
        now_us = fresh[-1].ingested_at if fresh else _now_us()
        if found is None:
            decision = Decision(counted=fresh)
        else:
            decision = decide(fresh, found.rows, found.links, now_us, found.linked)
        if decision.counted:
            self._batch.load(decision.counted)
            self._writer.execute(EXECUTE_INSERT)
            self._hours.move("batch", [record.start_time for record in decision.counted])
        self._restate(decision.restated)
        self._retire(decision.retired, now_us)
        self._keep_duplicates([*decision.duplicates, *decision.retired])
        return decision.counted

    def _known(self, records: list[Record]) -> set[tuple[str, str, int]]:
        """Keys of the batch that the ledger holds already."""
        if not records:
            return set()
        self._keys.load(records)
        found = self._writer.execute(lookup([record.start_time for record in records])).fetchall()
        return {(trace_id, span_id, start) for trace_id, span_id, start in found}

    def _restate(self, changes: Sequence[Restatement]) -> list[Change]:
        """Restatements of one reason and moment are made together."""
        last = {key_of(change.record): change for change in changes}
        groups: dict[tuple[str, int], list[Record]] = {}
        for record, reason, restated_at in last.values():
            groups.setdefault((reason, restated_at), []).append(record)
        made: list[Change] = []
        for (reason, restated_at), records in groups.items():
            self._batch.load(records)
            tell, keep, audit, replace = restate([record.start_time for record in records])
            for old, new, *labels in self._writer.execute(tell).fetchall():
                costs = stored_to_pico(old), stored_to_pico(new)
                made.append(Change(reason, *costs, tuple(labels)))
            self._writer.execute(keep)
            self._writer.execute(audit, {"reason": reason, "at": restated_at})
            with self._moved(records):
                self._writer.execute(replace)
        return made

    @contextlib.contextmanager
    def _moved(self, records: Sequence[Record]) -> Iterator[None]:
        """Around a statement that changes or removes the rows of the registered batch."""
        times = [record.start_time for record in records]
        self._hours.move(stored(times), times, "-")
        yield
        self._hours.move(stored(times), times)

    def _retire(self, retired: Sequence[Duplicate], now_us: int) -> None:
        """Count rows no longer, and say so in the audit."""
        for reason, group in _by_reason(retired).items():
            self._batch.load([duplicate.record for duplicate in group])
            keep, audit, remove = retire([duplicate.record.start_time for duplicate in group])
            self._writer.execute(keep)
            self._writer.execute(audit, {"reason": reason, "at": now_us})
            with self._moved([duplicate.record for duplicate in group]):
                self._writer.execute(remove)

    def _keep_duplicates(self, duplicates: Sequence[Duplicate]) -> None:
        for reason, group in _by_reason(duplicates).items():
            self._batch.load([duplicate.record for duplicate in group])
            self._keys.load([duplicate.of for duplicate in group])
            self._writer.execute(KEEP_DUPLICATES, {"reason": reason})

    def _keep(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Store dead letters, the newest up to the limit."""
        if not dead_letters or not self._dead_letter_limit:
            return
        self._writer.executemany(
            "insert into dead_letters values (make_timestamp(?), ?, ?, ?, ?, ?)",
            [list(letter) for letter in dead_letters[-self._dead_letter_limit :]],
        )
        self._writer.execute(
            "delete from dead_letters where received_at < (select min(received_at) from "
            "(select received_at from dead_letters order by received_at desc limit ?) kept)",
            [self._dead_letter_limit],
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("begin")
        try:
            yield
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                self._writer.execute("rollback")
            raise
        self._writer.execute("commit")

    def _migrate(self) -> None:
        self._writer.execute(
            "create table if not exists taximeter_schema (version integer, applied_at timestamp)"
        )
        ((version,),) = self._writer.execute(
            "select coalesce(max(version), 0) from taximeter_schema"
        ).fetchall()
        if version > len(MIGRATIONS):
            raise LedgerError(
                f"{self.path} has schema {version}, this Taximeter knows up to {len(MIGRATIONS)}: "
                "upgrade Taximeter"
            )
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            with self._transaction():
                self._writer.execute(statements)
                self._writer.execute(
                    "insert into taximeter_schema values (?, make_timestamp(?))",
                    [number, _now_us()],
                )


class _Snapshot:
    """Reads that are given the time of a snapshot."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """See `Reads.read`."""
        return self._store.read_within(SNAPSHOT_SECONDS, sql, parameters)


def _now_us() -> int:
    return time.time_ns() // 1000


def _by_reason(duplicates: Sequence[Duplicate]) -> dict[str, list[Duplicate]]:
    groups: dict[str, list[Duplicate]] = {}
    for duplicate in duplicates:
        groups.setdefault(duplicate.reason, []).append(duplicate)
    return groups
