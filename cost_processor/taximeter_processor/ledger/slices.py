"""Reads of a filtered slice of the ledger for pages: by day, ranked by a dimension, call by call.

Every answer is bounded by SQL, whatever the ledger holds. Times are µs UTC, money is pico-USD, and
an absent tag is `unknown`, as a tag of that name is. The SQL is shared by all engines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import gcd
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from taximeter_processor.ledger.queries import DIMENSIONS, Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import stored_to_pico
from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.settings import TAG_NAMES


class Where(NamedTuple):
    """Which calls of a stretch of time are meant."""

    values: Mapping[str, str] = MappingProxyType({})
    """Dimension to value; `unknown` selects what carries none."""
    known_at_us: int | None = None
    """Only calls that had arrived by then, so that several reads agree; None: all."""


EVERYTHING: Final = Where()

_EMPTY: Final = "''"
_UNTAGGED: Final = " or ".join(f"{tag} in ('', '{UNKNOWN_VALUE}')" for tag in TAG_NAMES)


class DaySum(NamedTuple):
    """What one stretch of time cost."""

    cost_pico: int = 0
    calls: int = 0
    unpriced: int = 0
    untagged_pico: int = 0
    """Of the cost: what lacks at least one of the four tags."""


class Ranked(NamedTuple):
    """One value of a dimension in several windows."""

    value: str
    pico: tuple[int, ...]
    """By window."""
    calls: tuple[int, ...]
    unpriced: tuple[int, ...]


class Ranking(NamedTuple):
    """The first values of a dimension, and the sums over all of them."""

    rows: tuple[Ranked, ...]
    total: Ranked
    values: int
    """How many there are in all."""


def first_start(store: LedgerStore) -> int | None:
    """When the earliest call began; None while the ledger is empty."""
    ((first,),) = store.read("select epoch_us(min(start_time)) from calls")
    return None if first is None else int(first)


def by_stretch(
    store: LedgerStore, bounds_us: Sequence[int], where: Where = EVERYTHING
) -> list[DaySum]:
    """One sum for each stretch between neighbouring bounds, oldest first."""
    filters, parameters = conditions(where)
    rows = store.read(
        f"select {_bucket(bounds_us)}, sum(cost_usd), count(*), "
        "count(*) filter (where status = 'unpriced'), "
        f"sum(cost_usd) filter (where {_UNTAGGED}) from calls "
        f"where {_between(bounds_us[0], bounds_us[-1])}{filters} group by 1",
        parameters,
    )
    sums = [[0, 0, 0, 0] for _ in bounds_us[1:]]
    for bucket, cost, calls, unpriced, untagged in rows:
        found = sums[bisect_right(bounds_us, int(bucket)) - 1]
        for index, amount in enumerate((_pico(cost), calls, unpriced, _pico(untagged))):
            found[index] += amount
    return [DaySum(*found) for found in sums]


def total(store: LedgerStore, window: Window, where: Where = EVERYTHING) -> int:
    """Pico of one window."""
    filters, parameters = conditions(where)
    ((cost,),) = store.read(
        f"select sum(cost_usd) from calls where {_within(window)}{filters}", parameters
    )
    return _pico(cost)


def series(
    store: LedgerStore,
    dimension: str,
    values: Sequence[str],
    bounds_us: Sequence[int],
    where: Where = EVERYTHING,
) -> dict[str | None, list[int]]:
    """Pico of some values of a dimension in each stretch; those of all others under None."""
    filters, parameters = conditions(where)
    shown = _shown(dimension)
    named = f"case when {shown} in ({', '.join('?' * len(values))}) then {shown} end"
    rows = store.read(
        f"select {_bucket(bounds_us)}, {named if values else 'null'}, sum(cost_usd) from calls "
        f"where {_between(bounds_us[0], bounds_us[-1])}{filters} group by 1, 2",
        [*values, *parameters],
    )
    found: dict[str | None, list[int]] = {}
    for bucket, value, cost in rows:
        days = found.setdefault(value, [0] * (len(bounds_us) - 1))
        days[bisect_right(bounds_us, int(bucket)) - 1] += _pico(cost)
    return found


Order = Literal["amount", "change", "name"]


def ranked(
    store: LedgerStore,
    dimension: str,
    windows: Sequence[Window],
    where: Where = EVERYTHING,
    *,
    order: Order = "amount",
    column: int = 0,
    ascending: bool = False,
    limit: int,
    offset: int = 0,
) -> Ranking:
    """Values of a dimension in several windows, all of them in one pass.

    In order of the amount in window `column`, of how far it is from that in the next window (either
    way), or of the name; equal ones by name.
    """
    filters, parameters = conditions(where)
    shown = _shown(dimension)
    sums = [f"coalesce(sum(cost_usd) filter (where {_within(w)}), 0)" for w in windows]
    counts = [f"count(*) filter (where {_within(w)})" for w in windows]
    unpriced = [f"count(*) filter (where status = 'unpriced' and {_within(w)})" for w in windows]
    each = [*sums, *counts, *unpriced]
    key = {
        "amount": sums[column],
        "change": f"abs({sums[column]} - {sums[column + 1 if len(sums) > column + 1 else column]})",
        "name": shown,
    }[order]
    first, last = min(w.start_us for w in windows), max(w.end_us for w in windows)
    rows = store.read(
        f"select {shown}, {', '.join(each)}, {', '.join(f'sum({one}) over ()' for one in each)}, "
        f"count(*) over () from calls where {_between(first, last)}{filters} group by {shown} "
        f"order by {key} {'asc' if ascending else 'desc'}, {shown} "
        f"limit {int(limit)} offset {int(offset)}",
        parameters,
    )
    width, many = len(windows), len(each)
    if not rows:
        none = (0,) * width
        return Ranking((), Ranked("", none, none, none), 0)
    return Ranking(
        tuple(_ranked(row[0], row[1 : 1 + many], width) for row in rows),
        _ranked("", rows[0][1 + many : 1 + 2 * many], width),
        int(rows[0][-1]),
    )


def by_scope(
    store: LedgerStore, windows: Sequence[Window], where: Where = EVERYTHING
) -> dict[tuple[str, str], dict[str, int]]:
    """Pico by window of each (feature, team): what owners and budgets are named for."""
    filters, parameters = conditions(where)
    sums = [f"coalesce(sum(cost_usd) filter (where {_within(w)}), 0)" for w in windows]
    feature, team = _shown("feature"), _shown("team")
    first, last = min(w.start_us for w in windows), max(w.end_us for w in windows)
    rows = store.read(
        f"select {feature}, {team}, {', '.join(sums)} from calls "
        f"where {_between(first, last)}{filters} group by {feature}, {team}",
        parameters,
    )
    names = [window.name for window in windows]
    return {(row[0], row[1]): dict(zip(names, map(_pico, row[2:]), strict=True)) for row in rows}


class Part(NamedTuple):
    """One value of a second dimension within one of the first, in two windows."""

    value: str
    part: str
    pico: tuple[int, int]
    calls: tuple[int, int]


def parts(
    store: LedgerStore,
    dimensions: tuple[str, str],
    values: Sequence[str],
    windows: tuple[Window, Window],
    where: Where = EVERYTHING,
    *,
    limit: int,
) -> list[Part]:
    """For each of the values, the parts whose cost differs most between the windows."""
    if not values:
        return []
    filters, parameters = conditions(where)
    value, part = map(_shown, dimensions)
    sums = [f"coalesce(sum(cost_usd) filter (where {_within(w)}), 0)" for w in windows]
    counts = [f"count(*) filter (where {_within(w)})" for w in windows]
    first, last = min(w.start_us for w in windows), max(w.end_us for w in windows)
    rows = store.read(
        f"select v, p, c0, c1, n0, n1 from (select {value} v, {part} p, {sums[0]} c0, "
        f"{sums[1]} c1, {counts[0]} n0, {counts[1]} n1, row_number() over (partition by {value} "
        f"order by abs({sums[0]} - {sums[1]}) desc, {part}) place from calls "
        f"where {_between(first, last)} and {value} in ({', '.join('?' * len(values))}){filters} "
        f"group by {value}, {part}) ranked where place <= {int(limit)} order by v, place",
        [*values, *parameters],
    )
    return [Part(v, p, (_pico(c0), _pico(c1)), (n0, n1)) for v, p, c0, c1, n0, n1 in rows]


def _ranked(value: str, numbers: Sequence[object], width: int) -> Ranked:
    sums, calls, unpriced = (tuple(numbers[i * width : (i + 1) * width]) for i in range(3))
    return Ranked(
        value,
        tuple(_pico(number) for number in sums),
        tuple(int(str(number)) for number in calls),
        tuple(int(str(number)) for number in unpriced),
    )


def _bucket(bounds_us: Sequence[int]) -> str:
    """A moment in the same stretch as the call: SQL needs to know no zone.

    It is the start of the widest piece of time that fits between all bounds.
    """
    if len(bounds_us) == 2:
        return str(bounds_us[0])
    width = gcd(*bounds_us)
    return f"epoch_us(start_time) - mod(epoch_us(start_time), {width})"


def conditions(where: Where) -> tuple[str, list[object]]:
    """SQL that begins with `and`, and its parameters. Raises `ValueError` for no dimension."""
    text = ""
    parameters: list[object] = []
    for name, value in where.values.items():
        if name not in DIMENSIONS:
            raise ValueError(f"{name!r} is no filter: expected one of {', '.join(DIMENSIONS)}")
        text += f" and ({name} = ?{f' or {name} = {_EMPTY}' if value == UNKNOWN_VALUE else ''})"
        parameters.append(value)
    if where.known_at_us is not None:
        text += f" and ingested_at <= make_timestamp({where.known_at_us})"
    return text, parameters


def _shown(dimension: str) -> str:
    if dimension not in DIMENSIONS:
        raise ValueError(f"{dimension!r} is no dimension: expected one of {', '.join(DIMENSIONS)}")
    return f"coalesce(nullif({dimension}, ''), '{UNKNOWN_VALUE}')"


def _between(start_us: int, end_us: int) -> str:
    return f"start_time >= make_timestamp({start_us}) and start_time < make_timestamp({end_us})"


def _within(window: Window) -> str:
    return _between(window.start_us, window.end_us)


def _pico(value: object) -> int:
    return stored_to_pico(value) if isinstance(value, Decimal) else 0
