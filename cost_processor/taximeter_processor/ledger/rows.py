"""Rows of the ledger as `Record`s again, in slices small enough to be worked on one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from taximeter_processor.ledger.record import COLUMNS, Record
from taximeter_processor.ledger.store import LedgerStore, Row
from taximeter_processor.money import stored_to_pico

_MINUTE_US: Final = 60_000_000
SELECTED: Final = ", ".join(
    f"epoch_us({name})" if kind == "time" else name for name, kind in COLUMNS
)
_MONEY: Final = tuple(index for index, (_, kind) in enumerate(COLUMNS) if kind == "money")
_FILTERS: Final = {
    "provider": "provider = ?",
    "model": "? in (model, response_model, request_model)",
}


class Stretch(NamedTuple):
    """Calls that began in [start, end), µs UTC, of one provider or model if they are named."""

    start_us: int
    end_us: int
    filters: Mapping[str, str]
    """Keys: `provider`, `model` (as booked, answered or asked for)."""

    @property
    def condition(self) -> str:
        """As SQL; its parameters are the filters' values, in order."""
        named = "".join(f" and {_FILTERS[name]}" for name in self.filters)
        return (
            f"start_time >= make_timestamp({self.start_us}) "
            f"and start_time < make_timestamp({self.end_us}){named}"
        )


class Slice(NamedTuple):
    """The first calls of a stretch."""

    records: list[Record]
    end_us: int
    """Where the next slice begins; the end of the stretch when there is none."""
    total: int
    """Calls in the whole stretch."""


def first_slice(store: LedgerStore, stretch: Stretch, most: int) -> Slice:
    """Whole minutes from the beginning of a stretch, about `most` calls of them."""
    parameters = list(stretch.filters.values())
    minutes = store.read(
        f"select epoch_us(start_time) // {_MINUTE_US} as minute, count(*) from calls "
        f"where {stretch.condition} group by minute order by minute",
        parameters,
    )
    taken, end_us = 0, stretch.end_us
    for minute, count in minutes:
        if taken and taken + count > most:
            end_us = minute * _MINUTE_US
            break
        taken += count
    rows = store.read(
        f"select {SELECTED} from calls "
        f"where {stretch._replace(end_us=end_us).condition} order by start_time, span_id",
        parameters,
    )
    return Slice([record_of(row) for row in rows], end_us, sum(count for _, count in minutes))


def record_of(row: Row) -> Record:
    """A row of the columns `SELECTED`."""
    values = list(row)
    for index in _MONEY:
        values[index] = None if values[index] is None else stored_to_pico(values[index])
    return Record._make(values)
