"""Reads of a PostgreSQL ledger: a few connections that cannot write, each query within its time."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import psycopg

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.postgres_session import Connection, connect
from taximeter_processor.ledger.store import SNAPSHOT_SECONDS, Parameters, Reads, Row

READERS: Final = 2
_PLACES: Final = re.compile(r"'(?:[^']|'')*'|\?|\$[a-z_]\w*")
"""Text in quotes, where a question mark is text; `?`; `$name`."""


class Readers:
    """A pool of connections, made when they are needed and again when they were lost."""

    def __init__(self, url: str, shown: str, read_seconds: float, memory_mb: int) -> None:
        self._url = url
        self._shown = shown
        self._seconds = read_seconds
        self._options = [
            ("default_transaction_read_only", "on"),
            ("statement_timeout", f"{round(read_seconds * 1000)}ms"),
            ("work_mem", f"{memory_mb // (4 * READERS)}MB"),
        ]
        self._free = threading.BoundedSemaphore(READERS)
        self._idle: list[Connection] = []

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """See `LedgerStore.read`."""
        if not self._free.acquire(timeout=self._seconds):
            raise LedgerError(f"no reader was free within {self._seconds:g} s")
        try:
            return self._read(*numbered(sql, parameters))
        except psycopg.errors.QueryCanceled as error:
            raise LedgerError(f"the query took longer than {self._seconds:g} s") from error
        except psycopg.Error as error:
            raise LedgerError(f"{self._shown}: {' '.join(str(error).split())}") from error
        finally:
            self._free.release()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Reads]:
        """See `LedgerStore.snapshot`: a transaction on a connection of its own."""
        try:
            with connect(self._url, "snapshot", self._options) as connection:
                connection.execute("begin isolation level repeatable read")
                connection.execute(f"set local statement_timeout = '{SNAPSHOT_SECONDS}s'")
                yield _Snapshot(connection)
        except psycopg.Error as error:
            raise LedgerError(f"{self._shown}: {' '.join(str(error).split())}") from error

    def close(self) -> None:
        """Close idle connections; one that reads is closed when it has read."""
        while (connection := self._taken()) is not None:
            connection.close()

    def _taken(self) -> Connection | None:
        """An idle connection; another reader may take the last one first."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _read(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        """A connection that was lost while it was idle is only found out by using it."""
        while (connection := self._taken()) is not None:
            try:
                return self._rows(connection, sql, parameters)
            except psycopg.Error:
                if not connection.closed:
                    raise
        return self._rows(connect(self._url, "reader", self._options), sql, parameters)

    def _rows(self, connection: Connection, sql: str, parameters: Sequence[object]) -> list[Row]:
        try:
            return connection.execute(sql, parameters or None).fetchall()
        finally:
            if not connection.closed:
                self._idle.append(connection)


class _Snapshot:
    """Reads in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """See `Reads.read`; the one who gave the snapshot tells of errors."""
        sql, values = numbered(sql, parameters)
        return self._connection.execute(sql, values or None).fetchall()


def numbered(sql: str, parameters: Parameters) -> tuple[str, list[object]]:
    """SQL with `?` or `$name` as PostgreSQL wants it, `$1`, and the values in that order."""
    if not parameters:
        return sql, []
    values: list[object] = []
    given = None if isinstance(parameters, Mapping) else iter(parameters)

    def place(found: re.Match[str]) -> str:
        text = found[0]
        if text[0] == "'":
            return text
        if given is not None:
            values.append(next(given))
        else:
            values.append(parameters[text[1:]])  # type: ignore[call-overload]  # a mapping here
        return f"${len(values)}"

    return _PLACES.sub(place, sql), values
