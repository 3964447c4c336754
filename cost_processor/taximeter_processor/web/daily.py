"""Turns the ledger into what the daily page shows: totals, comparisons, budgets, trend, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from taximeter_processor.budgets import owner_of, scope_of, spent_pico
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import usd_to_pico
from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.owners import Owners
from taximeter_processor.periods import (
    day_bounds,
    from_us,
    same_time_windows,
    windows,
)
from taximeter_processor.settings import TAG_NAMES, Budget, Settings
from taximeter_processor.web.charts import Chart, stacked_bars

Dimension = Literal["feature", "tenant", "team", "request_type", "model"]

MOST_LINES: Final = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a dimension and what it cost."""

    name: str
    owner: str
    today_pico: int
    period_pico: int
    unpriced_calls: int = 0
    """Of the period: what they cost is not in the amounts."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Cost by one dimension, dearest first; what does not fit is the last line."""

    dimension: str
    lines: tuple[Line, ...]
    total: Line


@dataclass(frozen=True, slots=True)
class Comparison:
    """Today so far against the same hours of another day."""

    name: str
    before_pico: int
    change_pico: int


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget and how far it is used."""

    name: str
    scope: str
    owner: str
    period: str
    spent_pico: int
    limit_pico: int

    @property
    def is_over(self) -> bool:
        """More is spent than was planned."""
        return self.spent_pico > self.limit_pico


@dataclass(frozen=True, slots=True)
class Daily:
    """One page."""

    now: datetime
    days: int
    by: str
    today_pico: int
    month_pico: int
    last_month_pico: int
    comparisons: tuple[Comparison, ...]
    calls_today: int
    calls: int
    unpriced_calls: int
    period_pico: int
    untagged: tuple[tuple[str, int], ...]
    """Tag and pico of the period that lack it."""
    budgets: tuple[BudgetLine, ...]
    chart: Chart
    chart_days: tuple[tuple[datetime, int], ...]
    """Each day and its total, newest first."""
    breakdowns: tuple[Breakdown, ...]


def daily(
    store: LedgerStore, settings: Settings, now: datetime, *, days: int, by: Dimension
) -> Daily | None:
    """The page at `now` over the last `days` days, or None while the ledger is empty."""
    if not queries.quick_totals(store)[0]:
        return None
    zone = settings.zone
    bounds = day_bounds(days, now, zone)
    today, _, month, last_month = windows(now, zone)
    period = Window("period", bounds[0], bounds[-1])
    spent = {window.name: _total(store, window) for window in (today, month, last_month, period)}
    breakdowns = _breakdowns(store, Owners(settings.owners), today, period)
    series = queries.spend_by_day(store, by, bounds)
    starts = [from_us(us).astimezone(zone) for us in bounds[:-1]]
    totals = [sum(values[index] for values in series.values()) for index in range(days)]
    return Daily(
        now=now.astimezone(zone),
        days=days,
        by=by,
        today_pico=spent["today"].cost_pico,
        month_pico=spent["month"].cost_pico,
        last_month_pico=spent["last_month"].cost_pico,
        comparisons=_comparisons(store, now, settings, spent["today"].cost_pico),
        calls_today=spent["today"].requests,
        calls=spent["period"].requests,
        unpriced_calls=spent["period"].unpriced,
        period_pico=spent["period"].cost_pico,
        untagged=_untagged(store, period),
        budgets=_budgets(store, settings, now),
        chart=stacked_bars(
            [start.date() for start in starts],
            [(name or UNKNOWN_VALUE, values) for name, values in series.items()],
        ),
        chart_days=tuple(reversed(list(zip(starts, totals, strict=True)))),
        breakdowns=breakdowns,
    )


def _total(store: LedgerStore, window: Window) -> queries.Spend:
    found = queries.spend(store, (), window.start_us, window.end_us)
    return found[0] if found else queries.Spend((), 0, 0, 0, 0, 0)


def _comparisons(
    store: LedgerStore, now: datetime, settings: Settings, today_pico: int
) -> tuple[Comparison, ...]:
    names = {"yesterday": "this time yesterday", "last_week": "this time last week"}
    found = []
    for window in same_time_windows(now, settings.zone):
        before = _total(store, window).cost_pico
        found.append(Comparison(names[window.name], before, today_pico - before))
    return tuple(found)


def _breakdowns(
    store: LedgerStore, owners: Owners, today: Window, period: Window
) -> tuple[Breakdown, ...]:
    """One for each tag; the features' lines carry their owners."""
    names = {"feature": _owner_names(store, owners, period)}
    return tuple(
        _ranked(dimension, _lines(store, dimension, names.get(dimension, {}), today, period))
        for dimension in TAG_NAMES
    )


def _lines(
    store: LedgerStore,
    dimension: str,
    owner_names: Mapping[str, str],
    today: Window,
    period: Window,
) -> list[Line]:
    found = queries.spend(store, (dimension,), today.start_us, today.end_us)
    today_pico = {spent.group: spent.cost_pico for spent in found}
    return [
        Line(
            name=spent.group[0] or UNKNOWN_VALUE,
            owner=owner_names.get(spent.group[0], ""),
            today_pico=today_pico.get(spent.group, 0),
            period_pico=spent.cost_pico,
            unpriced_calls=spent.unpriced,
        )
        for spent in queries.spend(store, (dimension,), period.start_us, period.end_us)
    ]


def _owner_names(store: LedgerStore, owners: Owners, period: Window) -> dict[str, str]:
    """The owners of each feature, that of the dearest team first: a team may decide."""
    found: dict[str, dict[str, None]] = {}
    for spent in queries.spend(store, ("feature", "team"), period.start_us, period.end_us):
        feature, team = spent.group
        owner = owners.owner_of(feature or UNKNOWN_VALUE, team or UNKNOWN_VALUE)
        found.setdefault(feature, {})[owner] = None
    return {feature: ", ".join(names) for feature, names in found.items()}


def _ranked(dimension: str, lines: list[Line]) -> Breakdown:
    lines = sorted(lines, key=lambda line: (-line.period_pico, line.name))
    shown, rest = lines[:MOST_LINES], lines[MOST_LINES:]
    if rest:
        shown.append(_sum(f"{len(rest):,} others", rest))
    return Breakdown(dimension, tuple(shown), _sum("total", lines))


def _sum(name: str, lines: Sequence[Line]) -> Line:
    return Line(
        name,
        "",
        sum(line.today_pico for line in lines),
        sum(line.period_pico for line in lines),
        sum(line.unpriced_calls for line in lines),
    )


def _untagged(store: LedgerStore, period: Window) -> tuple[tuple[str, int], ...]:
    found = []
    for tag in TAG_NAMES:
        spent = queries.spend(store, (), period.start_us, period.end_us, {tag: ""})
        found.append((tag, sum(group.cost_pico for group in spent)))
    return tuple(found)


def _budgets(store: LedgerStore, settings: Settings, now: datetime) -> tuple[BudgetLine, ...]:
    owners = Owners(settings.owners)
    return tuple(_budget(store, settings, owners, budget, now) for budget in settings.budgets)


def _budget(
    store: LedgerStore, settings: Settings, owners: Owners, budget: Budget, now: datetime
) -> BudgetLine:
    return BudgetLine(
        name=budget.name,
        scope=", ".join(f"{tag} {value}" for tag, value in scope_of(budget).items())
        or "everything",
        owner=owner_of(budget, owners),
        period=budget.period,
        spent_pico=spent_pico(store, budget, now, settings.zone),
        limit_pico=usd_to_pico(budget.usd),
    )
