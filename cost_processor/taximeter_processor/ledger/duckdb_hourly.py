"""Keeps the embedded ledger's exact sums of past hours, so that a month is read as hours.

An hour is summed up once, a while after its end, which costs the path of a span nothing. What comes
or changes after that is added to the tables in the same transaction as the rows, below zero for
what is taken away, and such hours are summed up afresh a little later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import duckdb

from taximeter_processor.ledger.hourly import HOUR_US, MEASURES
from taximeter_processor.ledger.record import COST_COLUMNS
from taximeter_processor.ledger.store import HourlySums, Parameters
from taximeter_processor.ledger.stretches import between

DUE_US: Final = 600_000_000
"""How long after its end an hour is summed up: what came by then is most of what comes."""
MOST_HOURS: Final = 24
"""Hours that are summed up at a time: spans wait meanwhile."""
AFRESH_US: Final = 60_000_000
"""Between two times that changed hours are summed up afresh."""


class _Table(NamedTuple):
    name: str
    dimensions: tuple[str, ...]


TABLES: Final = (
    _Table("hourly_by_tags", (*COST_COLUMNS, "status", "usage_status", "writer")),
    _Table("hourly_by_tenant", ("tenant",)),
)
"""Tenants are apart: with them, an hour would have about as many sums as calls."""

_NAMES: Final = ", ".join(measure.name for measure in MEASURES)

CREATE: Final = (
    "".join(
        f"create table {table.name} (hour timestamp not null, "
        f"{', '.join(f'{name} varchar not null' for name in table.dimensions)}, "
        f"{', '.join(f'{measure.name} {measure.type} not null' for measure in MEASURES)});"
        for table in TABLES
    )
    + "create table hours_until (hour timestamp not null);"
)


def add_measure(name: str) -> str:
    """SQL that adds a measure to tables without it; all hours are summed up anew."""
    (measure,) = (measure for measure in MEASURES if measure.name == name)
    return "delete from hours_until;" + "".join(
        f"alter table {table.name} add column if not exists {name} {measure.type};"
        f"delete from {table.name};"
        for table in TABLES
    )


class PastHours:
    """The tables, on the connection that writes and inside its transactions."""

    def __init__(self, writer: duckdb.DuckDBPyConnection) -> None:
        self._writer = writer
        rows = writer.execute("select epoch_us(hour) from hours_until").fetchall()
        self.until_us: int = rows[0][0] if rows else 0
        """Hours that end by then are in the tables; 0 before any is."""
        self._changed: set[int] = set()
        self._afresh_us = 0

    def sums(self) -> Sequence[HourlySums]:
        """What can be read; see `LedgerStore.hourly_sums`."""
        if not self.until_us:
            return ()
        return [HourlySums(t.name, frozenset(t.dimensions), self.until_us) for t in TABLES]

    def is_due(self, now_us: int) -> bool:
        """Whether there is something to sum up."""
        return now_us >= self.until_us + HOUR_US + DUE_US or bool(
            self._changed and now_us >= self._afresh_us
        )

    def sum_up(self, now_us: int) -> int:
        """Sum up hours that are past, or some that changed; returns what `until_us` is then.

        The caller sets it once the transaction is committed.
        """
        some = sorted(self._changed)[:MOST_HOURS]
        self.afresh(some)
        self._afresh_us = now_us + AFRESH_US
        return self._go_on(now_us)

    def afresh(self, hours: Iterable[int]) -> None:
        """Replace the sums of hours, given by their starts, by those of their calls."""
        for hour in hours:
            for table in TABLES:
                self._writer.execute(
                    f"delete from {table.name} where hour = make_timestamp({hour})"
                )
            self._add(f"(select * from calls where {between(hour, hour + HOUR_US)}) c")
            self._changed.discard(hour)

    def move(self, relation: str, start_times: Sequence[int], sign: str = "") -> None:
        """Add calls of a relation to hours that are summed up; with sign `-`, take them away.

        `start_times` are those of the relation's calls, which may hold more than the calls meant.
        """
        past = [start for start in start_times if start < self.until_us]
        if past:
            self._changed.update(start // HOUR_US * HOUR_US for start in past)
            self._add(f"{relation} where start_time < make_timestamp({self.until_us})", sign)

    def hours_of(self, condition: str, parameters: Parameters) -> set[int]:
        """Hours that are summed up and have calls which meet a condition."""
        rows = self._writer.execute(
            f"select distinct epoch_us(start_time) // {HOUR_US} * {HOUR_US} from calls "
            f"where {condition} and start_time < make_timestamp({self.until_us})",
            parameters or None,
        ).fetchall()
        return {int(hour) for (hour,) in rows}

    def _go_on(self, now_us: int) -> int:
        ended = (now_us - DUE_US) // HOUR_US * HOUR_US
        begin = self.until_us or self._first(ended)
        end = min(ended, begin + MOST_HOURS * HOUR_US)
        if end <= self.until_us:
            return self.until_us
        self._add(f"(select * from calls where {between(begin, end)}) c")
        self._writer.execute("delete from hours_until")
        self._writer.execute(f"insert into hours_until values (make_timestamp({end}))")
        return end

    def _first(self, ended: int) -> int:
        """The hour of the first call, if that is past."""
        ((first,),) = self._writer.execute("select epoch_us(min(start_time)) from calls").fetchall()
        return ended if first is None else min(int(first) // HOUR_US * HOUR_US, ended)

    def _add(self, relation: str, sign: str = "") -> None:
        sums = ", ".join(f"{sign}sum({measure.amount})::{measure.type}" for measure in MEASURES)
        for table in TABLES:
            dimensions = ", ".join(table.dimensions)
            self._writer.execute(
                f"insert into {table.name} (hour, {dimensions}, {_NAMES}) "
                f"select date_trunc('hour', start_time), {dimensions}, {sums} from {relation} "
                "group by all"
            )
