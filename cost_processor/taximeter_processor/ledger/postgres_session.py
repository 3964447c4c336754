"""The one connection a writer commits on: it holds the writer's name, and is made again when lost.

The name is an advisory lock of the session that commits: while it can commit, nobody else has the
name, and a process that is killed gives it up with its connection.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import psycopg
from psycopg import RawCursor, errors

from taximeter_processor.errors import LedgerBusy, LedgerError
from taximeter_processor.ledger.postgres_copy import CREATE_BATCH
from taximeter_processor.ledger.postgres_hourly import CREATE_MOVES, DIMENSIONS
from taximeter_processor.ledger.postgres_schema import MIGRATIONS, Partition

Connection = psycopg.Connection[tuple[Any, ...]]

ATTEMPTS: Final = 10
"""How often a transaction that another one came between is tried."""
FIRST_PATIENCE_SECONDS: Final = 3.0
"""How long a start waits for a name that a killed process had: its session ends in a moment."""
LATER_PATIENCE_SECONDS: Final = 1.0
LOCK_SECONDS: Final = 10
"""How long a commit waits for others' locks before the client is told to come back."""

_SETTINGS: Final = (
    ("lock_timeout", f"{LOCK_SECONDS}s"),
    # Few rows meet many: always by an index, whatever the statistics of the day say.
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
)

# With the lock every row enters with, so that dimensions stay as they are read next.
_BEGIN: Final = "begin; lock table calls in row exclusive mode"

# The two keys of an advisory lock: ours, and what for.
LOCKS: Final = 0x7461786D
EMITTERS, _PARTITIONS, _SCHEMA, LINKS, ARRIVALS, FIRST_CALL_LOCK = 1, 2, 3, 4, 5, 1000

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class CameBetween(Exception):
    """What a transaction read was changed before it wrote; it is to be tried again."""


def connect(url: str, name: str, options: Iterable[tuple[str, str]]) -> Connection:
    """A connection in UTC with session settings; a dead network is noticed in seconds.

    Raises `psycopg.Error`.
    """
    connection: Connection = psycopg.connect(
        url,
        autocommit=True,
        cursor_factory=RawCursor,
        application_name=f"taximeter {name}",
        connect_timeout=5,
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )
    settings = {"timezone": "UTC", "client_min_messages": "warning", **dict(options)}
    for setting, value in settings.items():
        connection.execute("select set_config($1, $2, false)", [setting, value])
    return connection


class WriterSession:
    """Transactions of one named writer."""

    def __init__(self, url: str, writer: str, shown: str) -> None:
        """Raises `LedgerBusy` when another process has the name; `shown` is the URL in errors."""
        self._url = url
        self.writer = writer
        self._shown = shown
        self._in_doubt: tuple[str, Callable[[Connection], object]] | None = None
        self._partitions: set[str] = set()
        self.dimensions: list[str] = []
        """Those of the hourly sums."""
        try:
            self._connection = self._connect(FIRST_PATIENCE_SECONDS)
        except psycopg.Error as error:
            raise LedgerError(f"{shown} cannot be opened: {_told(error)}") from error

    def run(
        self,
        work: Callable[[Connection], _Result],
        settle: Callable[[_Result], object] = lambda _: None,
        is_stored: Callable[[Connection, _Result], bool] = lambda *_: True,
    ) -> None:
        """Commit what `work` does in one transaction, then `settle` its result.

        A commit whose answer was lost with the connection is looked up when there is one again,
        and settled then if it went through. A server that crashed may have given the transaction's
        number to another one meanwhile, so `is_stored` must find what was done as well. Raises
        `LedgerError` when nothing could be committed.
        """
        try:
            for _ in range(ATTEMPTS):
                try:
                    return self._try(work, settle, is_stored)
                except (CameBetween, errors.SerializationFailure, errors.DeadlockDetected):
                    continue
                except errors.CheckViolation:
                    # A partition was dropped meanwhile.
                    self._partitions.clear()
                    raise
        except psycopg.Error as error:
            raise LedgerError(f"{self._shown}: the commit failed: {_told(error)}") from error
        raise LedgerError(f"{self._shown}: other writers came between {ATTEMPTS} times")

    def ensure(self, wanted: dict[str, Partition]) -> None:
        """Add the partitions that are missing, in a transaction of their own."""
        missing = {name: part for name, part in wanted.items() if name not in self._partitions}
        if missing:
            self.run(lambda connection: _attach(connection, missing))
            self._partitions |= missing.keys()

    def close(self) -> None:
        """Give the name up."""
        self._connection.close()

    def _try(
        self,
        work: Callable[[Connection], _Result],
        settle: Callable[[_Result], object],
        is_stored: Callable[[Connection, _Result], bool],
    ) -> None:
        connection = self._begin()
        try:
            self.dimensions = [name for (name,) in connection.execute(DIMENSIONS).fetchall()]
            result = work(connection)
            (xid,) = _row(connection, "select pg_current_xact_id_if_assigned()::text")
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                connection.execute("rollback")
            raise

        def settle_if_stored(later: Connection) -> None:
            if is_stored(later, result):
                settle(result)

        if xid is not None:
            self._in_doubt = (xid, settle_if_stored)
        connection.execute("commit")
        self._in_doubt = None
        settle(result)

    def _begin(self) -> Connection:
        """A connection that was lost while it was idle is only found out by using it."""
        self._reconnect()
        try:
            self._connection.execute(_BEGIN)
        except psycopg.OperationalError:
            if not self._connection.closed:
                raise
            self._reconnect()
            self._connection.execute(_BEGIN)
        return self._connection

    def _reconnect(self) -> None:
        """Connect again if the connection was lost, and learn what became of the last commit."""
        if self._connection.closed:
            _log.warning("writer %s connects again to %s", self.writer, self._shown)
            self._connection = self._connect(LATER_PATIENCE_SECONDS)
        if self._in_doubt is not None:
            xid, settle_if_stored = self._in_doubt
            if _is_committed(self._connection, xid):
                settle_if_stored(self._connection)
            self._in_doubt = None

    def _connect(self, patience: float) -> Connection:
        connection = connect(self._url, self.writer, _SETTINGS)
        try:
            self._take_name(connection, patience)
            # Nothing is acknowledged that a crash of the server could lose.
            connection.execute(
                "select set_config('synchronous_commit', 'on', false) "
                "where current_setting('synchronous_commit') = 'off'"
            )
            migrate(connection, self._shown)
            connection.execute(CREATE_BATCH)
            connection.execute(CREATE_MOVES)
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_name(self, connection: Connection, patience: float) -> None:
        digest = hashlib.sha256(f"taximeter writer {self.writer}".encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        deadline = time.monotonic() + patience
        while not _row(connection, "select pg_try_advisory_lock($1::bigint)", key)[0]:
            if time.monotonic() >= deadline:
                raise LedgerBusy(
                    f"another process is writer {self.writer!r} of {self._shown}: "
                    "stop it, or give this one a name of its own with `writer:`"
                )
            time.sleep(0.1)


def migrate(connection: Connection, shown: str) -> None:
    """Bring the schema up to date; processes that start together do it one after the other."""
    with connection.transaction():
        connection.execute("set local lock_timeout = '5min'")
        connection.execute("select pg_advisory_xact_lock($1, $2)", [LOCKS, _SCHEMA])
        connection.execute(
            "create table if not exists taximeter_schema (version integer, applied_at timestamptz)"
        )
        present = _version(connection, shown)
        for version, statements in enumerate(MIGRATIONS[present:], start=present + 1):
            connection.execute(statements)
            connection.execute("insert into taximeter_schema values ($1, now())", [version])


def _version(connection: Connection, shown: str) -> int:
    (version,) = _row(connection, "select coalesce(max(version), 0) from taximeter_schema")
    if version > len(MIGRATIONS):
        raise LedgerError(
            f"{shown} has schema {version}, this Taximeter knows up to {len(MIGRATIONS)}: "
            "upgrade Taximeter"
        )
    return int(version)


def _attach(connection: Connection, missing: dict[str, Partition]) -> None:
    connection.execute("select pg_advisory_xact_lock($1, $2)", [LOCKS, _PARTITIONS])
    for name, partition in missing.items():
        if _row(connection, "select to_regclass($1)", name)[0] is None:
            connection.execute(partition.attach())


def _is_committed(connection: Connection, xid: str) -> bool:
    try:
        return _row(connection, "select pg_xact_status($1::xid8)", xid) == ("committed",)
    except errors.InvalidParameterValue:
        # A standby that took over never heard of it.
        return False


def _row(connection: Connection, sql: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(sql, parameters or None).fetchone()
    assert row is not None
    return row


def _told(error: psycopg.Error) -> str:
    """A database's message on one line."""
    return " ".join(str(error).split()) or type(error).__name__
