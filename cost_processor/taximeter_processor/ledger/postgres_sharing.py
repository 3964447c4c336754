"""What the owner of a ledger in PostgreSQL decides: who reads its views, what hours are kept by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg import sql

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.hourly import POSSIBLE_DIMENSIONS
from taximeter_processor.ledger.postgres_hourly import DIMENSIONS, rebuild
from taximeter_processor.ledger.postgres_session import Connection, connect, migrate
from taximeter_processor.ledger.views import VIEWS


class Hourly(NamedTuple):
    """By what the hourly sums are kept, and how many rows that takes."""

    dimensions: list[str]
    rows: int
    calls: int


class Sharing:
    """Decisions on one ledger, made beside the processes that write it."""

    def __init__(self, url: str, shown: str) -> None:
        """`shown` is the URL in errors."""
        self._url = url
        self._shown = shown

    def grant(self, role: str, password: str | None = None) -> None:
        """Let a role read the views, and nothing else. Raises `LedgerError`.

        With a password the role is made if it is not there, and has that password from now on.
        """
        with self._transaction() as connection:
            if password is not None:
                _admit(connection, role, password)
            (schema,) = connection.execute("select current_schema()").fetchall()[0]
            names = {"role": sql.Identifier(role), "schema": sql.Identifier(schema)}
            views = sql.SQL(", ").join(sql.Identifier(schema, view) for view in VIEWS)
            for statement in (
                sql.SQL("grant usage on schema {schema} to {role}"),
                sql.SQL("grant select on {views} to {role}"),
            ):
                connection.execute(statement.format(views=views, **names))

    def hourly(self, dimensions: Sequence[str] = ()) -> Hourly:
        """The hourly sums, made anew by other dimensions if some are given.

        Raises `ValueError` for one that is not there, `LedgerError` when the ledger fails.
        """
        for name in dimensions:
            if name not in POSSIBLE_DIMENSIONS:
                expected = ", ".join(POSSIBLE_DIMENSIONS)
                raise ValueError(f"--by {name!r}: expected one of {expected}")
        with self._transaction() as connection:
            if dimensions:
                connection.execute("set local lock_timeout = '1min'")
                connection.execute(rebuild(dimensions))
            kept = [name for (name,) in connection.execute(DIMENSIONS).fetchall()]
            ((rows, calls),) = connection.execute(
                "select (select count(*) from hourly), (select count(*) from calls)"
            ).fetchall()
        return Hourly(kept, rows, calls)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with connect(self._url, "ledger", ()) as connection:
                migrate(connection, self._shown)
                with connection.transaction():
                    yield connection
        except psycopg.Error as error:
            raise LedgerError(f"{self._shown}: {' '.join(str(error).split())}") from error


def _admit(connection: Connection, role: str, password: str) -> None:
    # Only what proves the password is sent, so that it is in no log of the server.
    proof = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    there = connection.execute("select from pg_roles where rolname = $1", [role]).fetchall()
    connection.execute(
        sql.SQL("{verb} role {role} login password {proof}").format(
            verb=sql.SQL("alter" if there else "create"),
            role=sql.Identifier(role),
            proof=sql.Literal(proof),
        )
    )
