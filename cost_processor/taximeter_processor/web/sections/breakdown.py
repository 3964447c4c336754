"""Cost by one dimension, in the view's order, with whom to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from taximeter_processor.ledger import slices
from taximeter_processor.ledger.slices import Order, Ranked
from taximeter_processor.web.sections.subject import Subject

MOST_LINES: Final = 10
MOST_TEAMS: Final = 5
"""Of one feature, whose owners are named."""
_TODAY, _BEFORE, _PERIOD = 0, 1, 2
_ORDERS: Final[dict[str, tuple[Order, int]]] = {
    "period": ("amount", _PERIOD),
    "today": ("amount", _TODAY),
    "change": ("change", _TODAY),
    "name": ("name", _PERIOD),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a dimension and what it cost, pico-USD."""

    name: str
    owner: str
    today_pico: int
    before_pico: int
    """The same hours a week before."""
    period_pico: int
    calls: int = 0
    """Of the period, as the unpriced ones, whose cost is in no amount."""
    unpriced: int = 0

    @property
    def change_pico(self) -> int:
        """The day less the same hours a week before."""
        return self.today_pico - self.before_pico


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The first values, the others as one line, and all together."""

    dimension: str
    lines: tuple[Line, ...]
    rest: Line | None
    total: Line
    values: int


def breakdown(
    subject: Subject, dimension: str, limit: int = MOST_LINES, offset: int = 0
) -> Breakdown:
    """`limit` values from `offset` on. Raises `LedgerError` at a limit of the ledger."""
    view = subject.view
    order, column = _ORDERS[view.sort]
    found = slices.ranked(
        subject.store,
        dimension,
        [view.today, view.same_time[1], view.period],
        subject.where,
        order=order,
        column=column,
        ascending=view.ascending,
        limit=limit,
        offset=offset,
    )
    values = [row.value for row in found.rows]
    owners = owners_of(subject, values) if dimension == "feature" else {}
    lines = tuple(_line(row, row.value, owners.get(row.value, "")) for row in found.rows)
    total = _line(found.total, "total")
    rest = _rest(total, lines, found.values - len(lines))
    return Breakdown(dimension, lines, rest, total, found.values)


def by_owner(subject: Subject) -> Breakdown:
    """Cost by who answers for it, dearest first."""
    view = subject.view
    windows = [view.today, view.same_time[1], view.period]
    sums: dict[str, list[int]] = {}
    for (feature, team), spent in slices.by_scope(subject.store, windows, subject.where).items():
        amounts = sums.setdefault(subject.owners.owner_of(feature, team), [0, 0, 0])
        for index, window in enumerate(windows):
            amounts[index] += spent[window.name]
    lines = [
        Line(owner, "", amounts[_TODAY], amounts[_BEFORE], amounts[_PERIOD])
        for owner, amounts in sums.items()
        if any(amounts)
    ]
    lines.sort(key=lambda line: (-line.period_pico, line.name))
    today, before, period = (sum(amounts[i] for amounts in sums.values()) for i in range(3))
    total = Line("total", "", today, before, period)
    shown = tuple(lines[:MOST_LINES])
    return Breakdown(
        "owner", shown, _rest(total, shown, len(lines) - len(shown)), total, len(lines)
    )


def owners_of(subject: Subject, features: Sequence[str]) -> dict[str, str]:
    """The owners of each feature, that of the dearest team first: a team may decide."""
    period = subject.view.period
    where = subject.where._replace(among={"feature": features})
    scopes = slices.by_scope(subject.store, [period], where)
    found: dict[str, list[str]] = {}
    for feature, team in sorted(scopes, key=lambda scope: (-scopes[scope][period.name], scope)):
        found.setdefault(feature, []).append(team)
    return {feature: owners_named(subject, feature, teams) for feature, teams in found.items()}


def owners_named(subject: Subject, feature: str, teams: Sequence[str]) -> str:
    """Who answers for a feature in the first few of its teams, each once."""
    owners = [subject.owners.owner_of(feature, team) for team in teams[:MOST_TEAMS]]
    return ", ".join(dict.fromkeys(owners))


def _line(row: Ranked, name: str, owner: str = "") -> Line:
    today, before, period = row.pico
    return Line(name, owner, today, before, period, row.calls[_PERIOD], row.unpriced[_PERIOD])


def _rest(total: Line, lines: Sequence[Line], count: int) -> Line | None:
    """What the lines leave of the total."""
    if count <= 0:
        return None
    return Line(
        f"{count:,} others",
        "",
        total.today_pico - sum(line.today_pico for line in lines),
        total.before_pico - sum(line.before_pico for line in lines),
        total.period_pico - sum(line.period_pico for line in lines),
        total.calls - sum(line.calls for line in lines),
        total.unpriced - sum(line.unpriced for line in lines),
    )
