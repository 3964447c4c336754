"""Keeps `hourly` in PostgreSQL: every transaction adds to it what it changed in the calls.

By which dimensions is a choice of the ledger, which each transaction reads; the others are empty.
The writer's name is part of the key, so that writers do not wait for each other's sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from taximeter_processor.ledger.hourly import MEASURES, POSSIBLE_DIMENSIONS
from taximeter_processor.ledger.postgres_types import TEXT

_NAMES: Final = tuple(measure.name for measure in MEASURES)
_KEY: Final = ("hour", "writer", *POSSIBLE_DIMENSIONS)
_MOVED: Final = ("start_time", "writer", *POSSIBLE_DIMENSIONS)
RETURNED: Final = ", ".join(
    dict.fromkeys((*_MOVED, "input_tokens", "output_tokens", "cost_usd", "list_cost_usd"))
)
"""Columns of a call that the sums need."""

CREATE_HOURLY: Final = (
    "create table hourly (hour timestamptz not null, "
    f"{', '.join(f'{name} {TEXT} not null' for name in _KEY[1:])}, "
    f"{', '.join(f'{measure.name} {measure.type} not null' for measure in MEASURES)}, "
    f"primary key ({', '.join(_KEY)}));"
    f"create table hourly_dimensions (name {TEXT} primary key);"
)
CREATE_MOVES: Final = (
    "create temporary table moves (start_time timestamptz, "
    f"{', '.join(f'{name} {TEXT}' for name in _MOVED[1:])}, "
    f"{', '.join(f'{measure.name} {measure.type}' for measure in MEASURES)}) on commit delete rows"
)
"""What a transaction changes: the sums of calls, below zero of those that are taken away."""
DIMENSIONS: Final = "select name from hourly_dimensions order by name"


def move(calls: str, sign: str = "") -> str:
    """SQL to note what `calls`, a relation, adds; with sign `-` what it takes away."""
    amounts = ", ".join(f"{sign}({measure.amount})" for measure in MEASURES)
    return (
        f"insert into moves ({', '.join((*_MOVED, *_NAMES))}) "
        f"select {', '.join(_MOVED)}, {amounts} from {calls}"
    )


def add_calls(dimensions: Sequence[str], calls: str) -> str:
    """SQL to add `calls` to the sums."""
    return _add(dimensions, [measure.amount for measure in MEASURES], calls)


def add_moves(dimensions: Sequence[str]) -> str:
    """SQL to add what was noted to the sums."""
    return _add(dimensions, _NAMES, "moves")


def rebuild(dimensions: Sequence[str]) -> str:
    """SQL to make the sums anew by these dimensions; commits wait meanwhile, reads do not."""
    names = ", ".join(f"('{name}')" for name in dimensions)
    chosen = f"insert into hourly_dimensions values {names};" if names else ""
    return (
        "lock table calls in share row exclusive mode; delete from hourly; "
        f"delete from hourly_dimensions; {chosen} {add_calls(dimensions, 'calls')};"
    )


def add_measure(name: str) -> str:
    """SQL that adds a measure where it is missing: the sums are made anew, by what they are by."""
    (measure,) = (measure for measure in MEASURES if measure.name == name)
    by = [
        f"case when exists (select from hourly_dimensions where name = '{name}') "
        f"then {name} else '' end"
        for name in POSSIBLE_DIMENSIONS
    ]
    amounts = [measure.amount for measure in MEASURES]
    return (
        "lock table calls in share row exclusive mode; delete from hourly; "
        f"alter table hourly add column if not exists {name} {measure.type} not null default 0; "
        f"{_add_by(by, amounts, 'calls')};"
    )


def _add(dimensions: Sequence[str], amounts: Sequence[str], source: str) -> str:
    by = [name if name in dimensions else "''" for name in POSSIBLE_DIMENSIONS]
    return _add_by(by, amounts, source)


def _add_by(by: Sequence[str], amounts: Sequence[str], source: str) -> str:
    """`by` gives the value of each of `POSSIBLE_DIMENSIONS`, in order."""
    expressions = ["date_trunc('hour', start_time, 'UTC')", "writer", *by]
    sums = [f"sum({amount})" for amount in amounts]
    places = ", ".join(
        str(place + 1) for place, expression in enumerate(expressions) if expression != "''"
    )
    added = ", ".join(f"{name} = hourly.{name} + excluded.{name}" for name in _NAMES)
    return (
        f"insert into hourly ({', '.join((*_KEY, *_NAMES))}) "
        f"select {', '.join((*expressions, *sums))} from {source} group by {places} "
        # In one order, so that two transactions with the same sums do not wait for each other.
        f"order by {places} on conflict ({', '.join(_KEY)}) do update set {added}"
    )
