"""Turns the ledger into each owner's daily digest: yesterday against its normal, and why.

The normal of a feature is one real day: of the last four same weekdays the one in the middle by
cost (of an even number, the cheaper), so its requests and models are known too. A mover's change is
split exactly: so many more requests at the old cost each, the rest by what a request costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from taximeter_processor.budgets import owner_of, spent_pico
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import PICO_PER_USD, round_half_even, usd_to_pico
from taximeter_processor.names import UNKNOWN_VALUE, UNOWNED
from taximeter_processor.owners import Owners
from taximeter_processor.periods import from_us, midnight
from taximeter_processor.settings import Settings

CHART_DAYS: Final = 14
WEEKS: Final = 4
MOST_MOVERS: Final = 5
LEAST_CHANGE_PICO: Final = PICO_PER_USD
LEAST_CHANGE_PERCENT: Final = 20
BUDGET_PERCENT: Final = 80


@dataclass(frozen=True, slots=True)
class Day:
    """What one day cost."""

    pico: int
    requests: int


@dataclass(frozen=True, slots=True)
class Mover:
    """A feature whose day was not like its normal one, and why."""

    feature: str
    day: Day
    normal: Day
    by_volume_pico: int
    """More or fewer requests at the normal cost each; the rest is another cost of a request."""
    model: str
    """The model whose cost changed most."""
    model_change_pico: int

    @property
    def change_pico(self) -> int:
        """Against normal; positive is dearer."""
        return self.day.pico - self.normal.pico


@dataclass(frozen=True, slots=True)
class BudgetPosition:
    """How much of a budget is gone."""

    name: str
    period: str
    spent_pico: int
    limit_pico: int

    @property
    def is_worth_reading(self) -> bool:
        """Near its end, or past it."""
        return 100 * self.spent_pico >= BUDGET_PERCENT * self.limit_pico


@dataclass(frozen=True, slots=True)
class OwnerDigest:
    """One owner's day."""

    owner: str
    day: date
    total: Day
    normal: Day
    movers: tuple[Mover, ...]
    budgets: tuple[BudgetPosition, ...]
    chart: tuple[int, ...]
    """Pico of the last days, the digest's own last."""

    @property
    def is_worth_reading(self) -> bool:
        """A feature moved, a budget is nearly gone, or money has no owner."""
        is_unowned = self.owner == UNOWNED and self.total.pico > 0
        moved = bool(self.movers) or any(b.is_worth_reading for b in self.budgets)
        return moved or is_unowned


def digests(store: LedgerStore, settings: Settings, now: datetime) -> list[OwnerDigest]:
    """The digest of the day before `now` for every owner, and for what nobody owns."""
    day = now.astimezone(settings.zone).date() - timedelta(days=1)
    windows = _windows(day, settings)
    owners = Owners(settings.owners)
    found: dict[str, dict[str, dict[str, Day]]] = {
        name: {} for name in (*(owner.name for owner in settings.owners), UNOWNED)
    }
    for (feature, team), spent in queries.spend_by_window(store, ("feature", "team"), windows):
        shown, team = feature or UNKNOWN_VALUE, team or UNKNOWN_VALUE
        days = found[owners.owner_of(shown, team)].setdefault(shown, {})
        for name, (pico, requests) in spent.items():
            before = days.get(name, Day(0, 0))
            days[name] = Day(before.pico + pico, before.requests + requests)
    models = _models(store, settings, owners, windows)
    last_moment = from_us(midnight(day + timedelta(days=1), settings.zone) - 1)
    positions = _positions(store, settings, owners, last_moment)
    return [
        _digest(name, day, features, models.get(name, {}), positions.get(name, []))
        for name, features in found.items()
    ]


def _windows(day: date, settings: Settings) -> list[Window]:
    """A window for each day that is needed, named by its date."""
    zone = settings.zone
    backs = {*range(CHART_DAYS), *(7 * week for week in range(1, WEEKS + 1))}
    days = [day - timedelta(days=back) for back in sorted(backs)]
    return [
        Window(d.isoformat(), midnight(d, zone), midnight(d + timedelta(days=1), zone))
        for d in days
    ]


_Models = dict[str, dict[tuple[str, str], dict[str, int]]]


def _models(
    store: LedgerStore, settings: Settings, owners: Owners, windows: Sequence[Window]
) -> _Models:
    """Pico by owner, (feature, model) and day."""
    found: _Models = {}
    group = ("feature", "team", "model")
    for (feature, team, model), spent in queries.spend_by_window(store, group, windows):
        shown = feature or UNKNOWN_VALUE
        mine = found.setdefault(owners.owner_of(shown, team or UNKNOWN_VALUE), {})
        days = mine.setdefault((shown, model or UNKNOWN_VALUE), {})
        for name, (pico, _) in spent.items():
            days[name] = days.get(name, 0) + pico
    return found


def _positions(
    store: LedgerStore, settings: Settings, owners: Owners, now: datetime
) -> dict[str, list[BudgetPosition]]:
    found: dict[str, list[BudgetPosition]] = {}
    for budget in settings.budgets:
        spent = spent_pico(store, budget, now, settings.zone)
        position = BudgetPosition(budget.name, budget.period, spent, usd_to_pico(budget.usd))
        found.setdefault(owner_of(budget, owners), []).append(position)
    return found


def _digest(
    owner: str,
    day: date,
    features: Mapping[str, Mapping[str, Day]],
    models: Mapping[tuple[str, str], Mapping[str, int]],
    budgets: Sequence[BudgetPosition],
) -> OwnerDigest:
    chart_days = [
        (day - timedelta(days=back)).isoformat() for back in range(CHART_DAYS - 1, -1, -1)
    ]
    movers, normals = [], []
    for feature, days in features.items():
        usual = _usual_day(day, days)
        normals.append(days[usual] if usual else Day(0, 0))
        mover = _mover(feature, day.isoformat(), usual, days, models)
        if mover is not None:
            movers.append(mover)
    movers.sort(key=lambda mover: (-abs(mover.change_pico), mover.feature))
    return OwnerDigest(
        owner=owner,
        day=day,
        total=_sum([days[day.isoformat()] for days in features.values()]),
        normal=_sum(normals),
        movers=tuple(movers[:MOST_MOVERS]),
        budgets=tuple(budgets),
        chart=tuple(sum(days[name].pico for days in features.values()) for name in chart_days),
    )


def _usual_day(day: date, days: Mapping[str, Day]) -> str:
    """The middle one of the same weekdays on which there were calls; empty when there is none."""
    names = [(day - timedelta(days=7 * week)).isoformat() for week in range(1, WEEKS + 1)]
    ranked = sorted((days[name].pico, name) for name in names if days[name].requests)
    return ranked[(len(ranked) - 1) // 2][1] if ranked else ""


def _mover(
    feature: str,
    day: str,
    usual: str,
    days: Mapping[str, Day],
    models: Mapping[tuple[str, str], Mapping[str, int]],
) -> Mover | None:
    is_now, was = days[day], days[usual] if usual else Day(0, 0)
    change = is_now.pico - was.pico
    if abs(change) < LEAST_CHANGE_PICO or 100 * abs(change) < LEAST_CHANGE_PERCENT * was.pico:
        return None
    by_volume = change
    if was.requests:
        more = is_now.requests - was.requests
        by_volume = round_half_even(more * was.pico, was.requests)
    changes = [
        (spent.get(day, 0) - (spent.get(usual, 0) if usual else 0), model)
        for (name, model), spent in models.items()
        if name == feature
    ]
    model_change, model = max(changes, key=lambda item: (abs(item[0]), item[1]))
    return Mover(feature, is_now, was, by_volume, model, model_change)


def _sum(days: Sequence[Day]) -> Day:
    return Day(sum(day.pico for day in days), sum(day.requests for day in days))
