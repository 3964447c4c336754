"""Reads of a filtered slice of the ledger for pages: by day, ranked by a dimension, call by call.

Every answer is bounded by SQL, whatever the ledger holds. Times are µs UTC, money is pico-USD, and
an absent tag is `unknown`, as a tag of that name is. The SQL is shared by all engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from taximeter_processor.ledger.filters import EVERYTHING, Where, stored, tagged
from taximeter_processor.ledger.queries import Window, in_window
from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.stretches import between, stretch_number
from taximeter_processor.ledger.summed import summed
from taximeter_processor.money import stored_to_pico
from taximeter_processor.names import UNKNOWN_VALUE


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
    """Calls without a price, by window."""


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
    found = _calls(store, (), bounds_us, where)
    rows = store.read(
        f"select {stretch_number(bounds_us[1:-1])}, sum(cost_usd), sum({found.requests}), "
        f"sum({found.unpriced}), sum({found.untagged}) from {found.table} "
        f"where {found.matching} group by 1",
        found.parameters,
    )
    sums = [DaySum() for _ in bounds_us[1:]]
    for stretch, cost, calls, unpriced, untagged in rows:
        sums[stretch] = DaySum(_pico(cost), int(calls), int(unpriced), _pico(untagged))
    return sums


def total(store: LedgerStore, window: Window, where: Where = EVERYTHING) -> int:
    """Pico of one window."""
    found = _calls(store, (), window[1:], where)
    ((cost,),) = store.read(
        f"select sum(cost_usd) from {found.table} where {found.matching}", found.parameters
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
    source = _calls(store, (_checked(dimension),), bounds_us, where)
    wanted = stored(values)
    named = f"case when {dimension} in ({_marks(wanted)}) then {dimension} end"
    rows = store.read(
        f"select {stretch_number(bounds_us[1:-1])}, {named if wanted else 'null'}, sum(cost_usd) "
        f"from {source.table} where {source.matching} "
        f"group by 1, 2 having sum({source.requests}) > 0",
        [*wanted, *source.parameters],
    )
    found: dict[str | None, list[int]] = {}
    for stretch, value, cost in rows:
        name = UNKNOWN_VALUE if value == "" else value
        days = found.setdefault(name, [0] * (len(bounds_us) - 1))
        days[stretch] += _pico(cost)
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
    found = _calls(store, (_checked(dimension),), _bounds(windows), where)
    width = len(windows)
    each = [
        *_sums(windows),
        *_counts(found.requests, windows),
        *_counts(found.unpriced, windows),
    ]
    inner = ", ".join(f"{one} a{index}" for index, one in enumerate(each))
    outer = [f"sum(a{index})" for index in range(len(each))]
    other = min(column + 1, width - 1)
    shown = _shown(dimension)
    key = {
        "amount": outer[column],
        "change": f"abs({outer[column]} - {outer[other]})",
        "name": shown,
    }[order]
    # Absent tags get their name in the few groups, not in each of the rows.
    rows = store.read(
        f"select {shown}, {', '.join(outer)}, {', '.join(f'sum({one}) over ()' for one in outer)}, "
        f"count(*) over () from (select {dimension}, {inner} from {found.table} "
        f"where {found.matching} group by {dimension} having sum({found.requests}) > 0) grouped "
        f"group by {shown} "
        f"order by {key} {'asc' if ascending else 'desc'}, {shown} "
        f"limit {int(limit)} offset {int(offset)}",
        found.parameters,
    )
    if not rows:
        return Ranking((), Ranked("", (0,) * width, (0,) * width, (0,) * width), 0)
    many = len(each)
    return Ranking(
        tuple(_ranked(row[0], row[1 : 1 + many], width) for row in rows),
        _ranked("", rows[0][1 + many : 1 + 2 * many], width),
        int(rows[0][-1]),
    )


def by_scope(
    store: LedgerStore, windows: Sequence[Window], where: Where = EVERYTHING
) -> dict[tuple[str, str], dict[str, int]]:
    """Pico by window of each (feature, team): what owners and budgets are named for."""
    source = _calls(store, ("feature", "team"), _bounds(windows), where)
    rows = store.read(
        f"select feature, team, {', '.join(_sums(windows))} from {source.table} "
        f"where {source.matching} group by feature, team having sum({source.requests}) > 0",
        source.parameters,
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for feature, team, *sums in rows:
        scope = (feature or UNKNOWN_VALUE, team or UNKNOWN_VALUE)
        known = found.setdefault(scope, {window.name: 0 for window in windows})
        for window, pico in zip(windows, sums, strict=True):
            known[window.name] += _pico(pico)
    return found


def _ranked(value: str, numbers: Sequence[object], width: int) -> Ranked:
    return Ranked(
        value,
        tuple(_pico(number) for number in numbers[:width]),
        tuple(int(str(number)) for number in numbers[width : 2 * width]),
        tuple(int(str(number)) for number in numbers[2 * width :]),
    )


def _sums(windows: Sequence[Window]) -> list[str]:
    return [f"coalesce(sum(cost_usd){_filter(window, windows)}, 0)" for window in windows]


def _counts(counted: str, windows: Sequence[Window]) -> list[str]:
    return [f"coalesce(sum({counted}){_filter(window, windows)}, 0)" for window in windows]


def _filter(window: Window, windows: Sequence[Window]) -> str:
    """Nothing for the window in which all others lie: its rows are those that are read."""
    is_whole = window[1:] == _whole(windows)[1:]
    return "" if is_whole else f" filter (where {in_window(window)})"


def _whole(windows: Sequence[Window]) -> Window:
    """From the first start to the last end."""
    return Window("whole", min(w.start_us for w in windows), max(w.end_us for w in windows))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


class _Calls(NamedTuple):
    """Calls or their hourly sums: a relation, what a row of it counts, which rows are meant."""

    table: str
    requests: str
    unpriced: str
    untagged: str
    matching: str
    parameters: list[object]


def _calls(
    store: LedgerStore, dimensions: Sequence[str], bounds_us: Sequence[int], where: Where
) -> _Calls:
    """What to add up by these dimensions. Raises `ValueError` for what is no filter."""
    filters, parameters = tagged(where)
    names = (*dimensions, *where.values, *where.among)
    found = summed(store, names, bounds_us, where.known_at_us)
    within = between(min(bounds_us), max(bounds_us))
    return _Calls(*found, within + filters, parameters)


def _bounds(windows: Sequence[Window]) -> list[int]:
    return [bound for window in windows for bound in window[1:]]


def _checked(dimension: str) -> str:
    """The name, which is one of `DIMENSIONS`. Raises `ValueError` otherwise."""
    if dimension not in DIMENSIONS:
        raise ValueError(f"{dimension!r} is no dimension: expected one of {', '.join(DIMENSIONS)}")
    return dimension


def _shown(dimension: str) -> str:
    return f"coalesce(nullif({_checked(dimension)}, ''), '{UNKNOWN_VALUE}')"


def _pico(value: object) -> int:
    return stored_to_pico(value) if isinstance(value, Decimal) else 0
