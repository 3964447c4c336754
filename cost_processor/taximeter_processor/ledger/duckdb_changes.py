"""A transaction of a DuckDB ledger that is neither an append nor a restatement."""

from __future__ import annotations

import duckdb

from taximeter_processor.ledger.duckdb_hourly import PastHours
from taximeter_processor.ledger.store import Parameters, Row


class DuckDBChanges:
    """See `Changes`: on the connection that writes, between its `begin` and `commit`."""

    def __init__(self, writer: duckdb.DuckDBPyConnection, hours: PastHours) -> None:
        self._writer = writer
        self._hours = hours
        self._moved: set[int] = set()

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """See `Reads.read`."""
        return self._writer.execute(sql, parameters or None).fetchall()

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """See `Changes.execute`."""
        counts = self._writer.execute(sql, parameters or None).fetchall()
        return int(counts[0][0]) if counts else 0

    def move_hours(self, condition: str, sign: str, parameters: Parameters = ()) -> None:
        """See `Changes.move_hours`: notes the hours, which `end` sums up."""
        self._moved |= self._hours.hours_of(condition, parameters)

    def end(self) -> None:
        """Sum the hours up afresh: of calls that went, no name is left."""
        self._hours.afresh(sorted(self._moved))
