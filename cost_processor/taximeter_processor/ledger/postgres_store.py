"""The server ledger: one PostgreSQL database, written by several named processes at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.arrivals import Arrival, Arrived
from taximeter_processor.ledger.identity import NO_LINKS, Decision, Links, decide
from taximeter_processor.ledger.postgres_arrivals import Exchange
from taximeter_processor.ledger.postgres_changes import PostgresChanges
from taximeter_processor.ledger.postgres_copy import (
    COPY_COUNTED,
    COPY_OTHERS,
    counted_text,
    others_text,
)
from taximeter_processor.ledger.postgres_hourly import DIMENSIONS, add_moves
from taximeter_processor.ledger.postgres_identity import Related, lock_rows, stored_keys
from taximeter_processor.ledger.postgres_readers import Readers
from taximeter_processor.ledger.postgres_schema import partitions
from taximeter_processor.ledger.postgres_session import CameBetween, Connection, WriterSession
from taximeter_processor.ledger.postgres_statements import (
    INSERT_AND_NOTE,
    IS_STORED,
    KEEP_DUPLICATES,
    LOCK_ROWS,
    RESTATE,
    RETIRE,
    TELL,
    insert,
)
from taximeter_processor.ledger.prune import within_retention
from taximeter_processor.ledger.record import (
    Change,
    DeadLetter,
    Record,
    Restatement,
    key_of,
)
from taximeter_processor.ledger.store import Changes, HourlySums, Parameters, Reads, Result, Row
from taximeter_processor.money import stored_to_pico

_UNTOLD = (None, None, None)


class PostgresStore:
    """A `LedgerStore` in PostgreSQL 13 or newer."""

    def __init__(
        self,
        url: str,
        *,
        writer: str | None,
        shown: str = "the ledger",
        memory_mb: int = 96,
        read_seconds: float = 10.0,
        dead_letter_limit: int = 10_000,
    ) -> None:
        """Without a writer's name the ledger can only be read. `shown` is the URL in errors."""
        self._shown = shown
        self._dead_letter_limit = dead_letter_limit
        self._session = None if writer is None else WriterSession(url, writer, shown)
        self._readers = Readers(url, shown, read_seconds, memory_mb)
        self.let_go: Counter[str] = Counter()
        self._related = Related(self.let_go)
        self._exchange = Exchange()
        self._settled: list[Record] = []
        self._arrived: list[Arrival] = []

    def append(
        self,
        records: Sequence[Record],
        dead_letters: Sequence[DeadLetter] = (),
        links: Links = NO_LINKS,
        arrivals: Sequence[Arrival] = (),
    ) -> list[Record]:
        """See `LedgerStore.append`.

        Rows of a commit whose answer was lost are returned by the next one that goes through.
        """
        unique = list({key_of(record): record for record in reversed(records)}.values())
        unique.reverse()
        session = self._writing()
        if unique:
            session.ensure(partitions(record.start_time for record in unique))
            self._related.announce(session, unique)
        take = _Take(session, self._related, unique, links)

        def work(connection: Connection) -> tuple[list[Record], list[Arrival]]:
            counted = take.store(connection) if unique or links else []
            self._keep(connection, dead_letters)
            return counted, self._exchange.pass_on(connection, arrivals)

        session.run(work, self._settle, _are_stored)
        counted, self._settled = self._settled, []
        return counted

    def arrived(self) -> Arrived:
        """See `LedgerStore.arrived`."""
        arrived, self._arrived = Arrived(self._exchange.watch, self._arrived), []
        return arrived

    def restate(self, changes: Sequence[Restatement]) -> list[Change]:
        """See `LedgerStore.restate`."""
        last = {key_of(change.record): change for change in changes}
        made: list[Change] = []

        def work(connection: Connection) -> list[Change]:
            _copy_others(connection, _restated(list(last.values())))
            connection.execute(LOCK_ROWS)
            changed = _restate(connection)
            connection.execute(add_moves(session.dimensions))
            return changed

        session = self._writing()
        if last:
            session.run(work, made.extend)
        return made

    def change(self, work: Callable[[Changes], Result]) -> Result:
        """See `LedgerStore.change`."""
        done: list[Result] = []

        def in_transaction(connection: Connection) -> list[Result]:
            changes = PostgresChanges(connection)
            changes.begin()
            result = work(changes)
            changes.end(session.dimensions)
            return [result]

        session = self._writing()
        session.run(in_transaction, done.extend)
        return done[0]

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """See `LedgerStore.read`."""
        return self._readers.read(sql, parameters)

    def snapshot(self) -> AbstractContextManager[Reads]:
        """See `LedgerStore.snapshot`."""
        return self._readers.snapshot()

    def backup(self, name: str) -> Path:
        """See `LedgerStore.backup`: not by the service, since it has no files of its own."""
        raise ValueError("a ledger in PostgreSQL is copied by pg_dump: taximeter ledger backup")

    def hourly_sums(self) -> Sequence[HourlySums]:
        """See `LedgerStore.hourly_sums`; asked each time, as another process may change them."""
        chosen = frozenset(name for (name,) in self.read(DIMENSIONS))
        return (HourlySums("hourly", chosen | {"writer"}, None),)

    def size_bytes(self) -> int:
        """See `LedgerStore.size_bytes`."""
        ((size,),) = self.read(
            "select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class "
            "where relnamespace = current_schema()::regnamespace and relkind = 'r'"
        )
        return int(size)

    def close(self) -> None:
        """See `LedgerStore.close`."""
        self._readers.close()
        if self._session is not None:
            self._session.close()

    def _writing(self) -> WriterSession:
        if self._session is None:
            raise LedgerError(f"{self._shown} was opened for reading only")
        return self._session

    def _settle(self, committed: tuple[list[Record], list[Arrival]]) -> None:
        counted, arrived = committed
        self._settled += counted
        self._arrived += arrived

    def _keep(self, connection: Connection, dead_letters: Sequence[DeadLetter]) -> None:
        """Store dead letters, the newest up to the limit."""
        if not dead_letters or not self._dead_letter_limit:
            return
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into dead_letters values (make_timestamp($1), $2, $3, $4, $5, $6)",
                [
                    [v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in letter]
                    for letter in dead_letters[-self._dead_letter_limit :]
                ],
            )
        connection.execute(
            "delete from dead_letters where received_at < (select min(received_at) from "
            "(select received_at from dead_letters order by received_at desc limit $1) kept)",
            [self._dead_letter_limit],
        )


def _are_stored(connection: Connection, committed: tuple[list[Record], list[Arrival]]) -> bool:
    """Whether the commit's calls are in the ledger: all of them are, or none.

    A call is known by its key, its writer and its arrival, which no other commit has.
    """
    counted, _ = committed
    if not counted:
        return True
    first = counted[0]
    arrival = [*key_of(first), first.writer, first.ingested_at]
    return connection.execute(IS_STORED, arrival).fetchone() is not None


class _Take:
    """Stores rows that are new, each call counted by one of them."""

    def __init__(
        self, session: WriterSession, related: Related, records: list[Record], links: Links
    ) -> None:
        self._session = session
        self._related = related
        self._records = records
        self._links = links
        self._all_are_new = True
        """Supposed until an insert left something out."""

    def store(self, connection: Connection) -> list[Record]:
        """The rows that are counted. Raises `CameBetween` if another way must be tried."""
        may_be_told = self._related.begin(connection, self._records, self._links)
        # Only now, since pruning waits for the lock that this took.
        self._records = within_retention(PostgresChanges(connection), self._records)
        if self._all_are_new and not may_be_told:
            self._add(connection, self._records)
            return self._records
        stored = stored_keys(connection, [key_of(record) for record in self._records])
        fresh = [record for record in self._records if key_of(record) not in stored]
        if not may_be_told:
            self._add(connection, fresh)
            return fresh
        if not fresh and not self._links:
            return []
        found = self._related.find(connection, fresh, self._links)
        now_us = fresh[-1].ingested_at if fresh else time.time_ns() // 1000
        decision = decide(fresh, found.rows, found.links, now_us, found.linked)
        self._carry_out(connection, decision, found.rows, now_us)
        return decision.counted

    def _add(self, connection: Connection, records: list[Record]) -> None:
        if records:
            self._insert(connection, records, insert(self._session.dimensions))

    def _carry_out(
        self, connection: Connection, decision: Decision, known: list[Record], now_us: int
    ) -> None:
        restated = _restated(decision.restated)
        retired = [("retired", d.reason, now_us, *_UNTOLD, *d.record) for d in decision.retired]
        duplicates = [
            ("duplicate", d.reason, now_us, *d.of, *d.record)
            for d in (*decision.duplicates, *decision.retired)
        ]
        touched = {key_of(change.record) for change in decision.restated}
        touched |= {key_of(duplicate.record) for duplicate in decision.retired}
        lock_rows(connection, [row for row in known if key_of(row) in touched])
        if others := [*restated, *retired, *duplicates]:
            _copy_others(connection, others)
        if decision.counted:
            self._insert(connection, decision.counted, INSERT_AND_NOTE)
        if restated:
            _restate(connection)
        if retired:
            for statement in RETIRE:
                connection.execute(statement)
        if duplicates:
            connection.execute(KEEP_DUPLICATES)
        connection.execute(add_moves(self._session.dimensions))

    def _insert(self, connection: Connection, records: list[Record], statement: str) -> None:
        with connection.cursor() as cursor:
            with cursor.copy(COPY_COUNTED) as copy:
                copy.write(counted_text(records))
            cursor.execute(statement)
            found = cursor.fetchone()
        if found != (len(records),):
            self._all_are_new = False
            raise CameBetween


def _restated(changes: Sequence[Restatement]) -> list[tuple[Any, ...]]:
    return [("restated", c.reason, c.restated_at, *_UNTOLD, *c.record) for c in changes]


def _copy_others(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(COPY_OTHERS) as copy:
        copy.write(others_text(rows))


def _restate(connection: Connection) -> list[Change]:
    made = [
        Change(reason, stored_to_pico(old), stored_to_pico(new), tuple(labels))
        for reason, old, new, *labels in connection.execute(TELL).fetchall()
    ]
    for statement in RESTATE:
        connection.execute(statement)
    return made
