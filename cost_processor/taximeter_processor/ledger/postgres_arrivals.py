"""Brings the numbers of arrived spans to the one writer that watches for missing ones.

A balancer spreads the spans of one process over all writers, so that to each of them most seem to
be missing. Whoever holds a lock watches; the others leave their numbers in the table `arrivals`, in
the transaction that stores the spans. When its holder ends, the next one begins to watch anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from taximeter_processor.ledger.arrivals import Arrival, Stretch, spread, stretches
from taximeter_processor.ledger.postgres_session import ARRIVALS, LOCKS, Connection

KEPT_MINUTES: Final = 60
"""Numbers that nobody fetched are dropped."""
POLL_SECONDS: Final = 1.0
ATTEMPT_SECONDS: Final = 15.0
_TIDY_AFTER: Final = 256


class Exchange:
    """One writer's part: it watches, or leaves its numbers to the one who does."""

    def __init__(self) -> None:
        self.watch = 0
        """See `Arrived.watch`."""
        self._connection: Connection | None = None
        self._watches = False
        self._next_at = 0.0
        """When to fetch, or to try to watch, again."""
        self._left = 0

    def pass_on(self, connection: Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Numbers to watch when the transaction is committed: those of all writers, or none."""
        if connection is not self._connection:
            self._connection, self._watches, self._next_at = connection, False, 0.0
        is_due = time.monotonic() >= self._next_at
        if is_due and not self._watches:
            self._try_to_watch(connection)
        if not self._watches:
            self._leave(connection, arrivals)
            return []
        if not is_due:
            return list(arrivals)
        self._next_at = time.monotonic() + POLL_SECONDS
        rows = connection.execute(
            "delete from arrivals returning process, first, last, service"
        ).fetchall()
        return [*spread([Stretch._make(row) for row in rows]), *arrivals]

    def _try_to_watch(self, connection: Connection) -> None:
        (row,) = connection.execute(
            "select pg_try_advisory_lock($1, $2)", [LOCKS, ARRIVALS]
        ).fetchall()
        self._watches = row[0]
        if self._watches:
            self.watch += 1
        else:
            self._next_at = time.monotonic() + ATTEMPT_SECONDS

    def _leave(self, connection: Connection, arrivals: Sequence[Arrival]) -> None:
        found = list(stretches(arrivals))
        if not found:
            return
        connection.execute(
            "insert into arrivals select *, now() "
            "from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])",
            [list(column) for column in zip(*found, strict=True)],
        )
        self._left += 1
        if self._left % _TIDY_AFTER == 0:
            connection.execute(
                f"delete from arrivals where arrived_at < now() - interval '{KEPT_MINUTES} minutes'"
            )
