"""A transaction of a PostgreSQL ledger that is neither an append nor a restatement."""

from __future__ import annotations

from collections.abc import Sequence

from taximeter_processor.ledger.postgres_hourly import add_moves, move
from taximeter_processor.ledger.postgres_readers import numbered
from taximeter_processor.ledger.postgres_session import EMITTERS, LOCKS, Connection
from taximeter_processor.ledger.store import Parameters, Row


class PostgresChanges:
    """See `Changes`: on the connection that commits, inside one of its transactions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        """Wait until no other writer is at it, and let none begin.

        Every append has a share in the first lock until it is committed, and looks at the horizon
        after it; the second stops restatements, which have no share in it.
        """
        self._connection.execute("select pg_advisory_xact_lock($1, $2)", [LOCKS, EMITTERS])
        self._connection.execute("lock table calls in share row exclusive mode")

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """See `Reads.read`."""
        sql, values = numbered(sql, parameters)
        return self._connection.execute(sql, values or None).fetchall()

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """See `Changes.execute`."""
        sql, values = numbered(sql, parameters)
        return self._connection.execute(sql, values or None).rowcount

    def move_hours(self, condition: str, sign: str, parameters: Parameters = ()) -> None:
        """See `Changes.move_hours`."""
        self.execute(move(f"(select * from calls where {condition}) c", sign), parameters)

    def end(self, dimensions: Sequence[str]) -> None:
        """Bring the hourly sums up to date; those of no call left go, and with them their names."""
        self._connection.execute(add_moves(dimensions))
        self._connection.execute(
            "delete from hourly where requests = 0 and hour in "
            "(select distinct date_trunc('hour', start_time, 'UTC') from moves)"
        )
