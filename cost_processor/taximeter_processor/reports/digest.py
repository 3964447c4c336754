"""Turns the ledger into each owner's daily digest: yesterday against its normal, and why.

The normal of a feature is one real day: of the last four same weekdays the one in the middle by
cost (of an even number, the cheaper), so its calls are known too. A mover's change is split exactly
between `analysis.variance.DRIVERS`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Final, NamedTuple

from taximeter_processor.budgets import owner_of, spent_pico
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.filters import Where
from taximeter_processor.ledger.movements import Leaf, changes, grouped, split
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.money import PICO_PER_USD, usd_to_pico
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
_NEVER: Final = Window("never", 0, 0)


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
    drivers: Mapping[str, int]
    """The change by `variance.DRIVERS`; they add up to it."""
    model: str
    """The model whose cost changed most."""
    model_change_pico: int
    unpriced: int
    """Calls of the day whose cost is in no amount."""

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
    unpriced: int
    """Calls of the day whose cost is in no amount."""

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
    moved = {name: _moved(day, features) for name, features in found.items()}
    leaves = _leaves(store, owners, windows, day, moved)
    unpriced = _unpriced(store, owners, windows[0])
    last_moment = from_us(midnight(day + timedelta(days=1), settings.zone) - 1)
    positions = _positions(store, settings, owners, last_moment)
    return [
        _digest(
            name,
            day,
            features,
            _movers(moved[name], leaves.get(name, {}), unpriced[name]),
            positions.get(name, []),
            unpriced[name].total(),
        )
        for name, features in found.items()
    ]


def _windows(day: date, settings: Settings) -> list[Window]:
    """A window for each day that is needed, named by its date; the digest's own is first."""
    zone = settings.zone
    backs = {*range(CHART_DAYS), *(7 * week for week in range(1, WEEKS + 1))}
    days = [day - timedelta(days=back) for back in sorted(backs)]
    return [
        Window(d.isoformat(), midnight(d, zone), midnight(d + timedelta(days=1), zone))
        for d in days
    ]


class _Moved(NamedTuple):
    """A feature of one owner whose day was not like its normal one."""

    feature: str
    usual: str
    """The name of its normal day; empty when there is none."""
    day: Day
    normal: Day

    @property
    def change_pico(self) -> int:
        return self.day.pico - self.normal.pico


def _moved(day: date, features: Mapping[str, Mapping[str, Day]]) -> list[_Moved]:
    """The features that moved enough to tell, most moved first."""
    found = []
    for feature, days in features.items():
        usual = _usual_day(day, days)
        found.append(_Moved(feature, usual, days[day.isoformat()], _normal(days, usual)))
    told = [
        one
        for one in found
        if abs(one.change_pico) >= LEAST_CHANGE_PICO
        and 100 * abs(one.change_pico) >= LEAST_CHANGE_PERCENT * one.normal.pico
    ]
    told.sort(key=lambda one: (-abs(one.change_pico), one.feature))
    return told[:MOST_MOVERS]


_Leaves = dict[tuple[str, str], list[Leaf]]
"""By normal day and feature."""


def _leaves(
    store: LedgerStore,
    owners: Owners,
    windows: Sequence[Window],
    day: date,
    moved: Mapping[str, Sequence[_Moved]],
) -> dict[str, _Leaves]:
    """The calls of what moved, by owner: one read for each normal day."""
    features: dict[str, set[str]] = {}
    for one in chain.from_iterable(moved.values()):
        features.setdefault(one.usual, set()).add(one.feature)
    named = {window.name: window for window in windows}
    found: dict[str, _Leaves] = {}
    for usual, wanted in features.items():
        leaves = changes(
            store,
            named.get(usual, _NEVER),
            named[day.isoformat()],
            Where(among={"feature": sorted(wanted)}),
            kept=("feature", "team", "model"),
        )
        for (feature, team), its in grouped(leaves, ("feature", "team")).items():
            mine = found.setdefault(owners.owner_of(feature, team), {})
            mine.setdefault((usual, feature), []).extend(its)
    return found


def _unpriced(store: LedgerStore, owners: Owners, day: Window) -> defaultdict[str, Counter[str]]:
    """Calls without a price of a day by owner and feature."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for spent in queries.spend(store, ("feature", "team"), day.start_us, day.end_us):
        feature, team = (name or UNKNOWN_VALUE for name in spent.group)
        found[owners.owner_of(feature, team)][feature] += spent.unpriced
    return found


def _movers(
    moved: Sequence[_Moved], leaves: _Leaves, unpriced: Mapping[str, int]
) -> Iterator[Mover]:
    """What moved and why, all of it from the same rows."""
    for one in moved:
        its = leaves.get((one.usual, one.feature))
        if its:
            models = {
                model: sum(leaf.change_pico for leaf in part)
                for (model,), part in grouped(its, ["model"]).items()
            }
            model = max(models, key=lambda name: (abs(models[name]), name))
            yield Mover(
                one.feature,
                Day(sum(leaf.after.cost for leaf in its), one.day.requests),
                Day(sum(leaf.before.cost for leaf in its), one.normal.requests),
                split(its),
                model,
                models[model],
                unpriced.get(one.feature, 0),
            )


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
    movers: Iterable[Mover],
    budgets: Sequence[BudgetPosition],
    unpriced: int,
) -> OwnerDigest:
    chart_days = [
        (day - timedelta(days=back)).isoformat() for back in range(CHART_DAYS - 1, -1, -1)
    ]
    normals = [_normal(days, _usual_day(day, days)) for days in features.values()]
    return OwnerDigest(
        owner=owner,
        day=day,
        total=_sum([days[day.isoformat()] for days in features.values()]),
        normal=_sum(normals),
        movers=tuple(movers),
        budgets=tuple(budgets),
        chart=tuple(sum(days[name].pico for days in features.values()) for name in chart_days),
        unpriced=unpriced,
    )


def _usual_day(day: date, days: Mapping[str, Day]) -> str:
    """The middle one of the same weekdays on which there were calls; empty when there is none."""
    names = [(day - timedelta(days=7 * week)).isoformat() for week in range(1, WEEKS + 1)]
    ranked = sorted((days[name].pico, name) for name in names if days[name].requests)
    return ranked[(len(ranked) - 1) // 2][1] if ranked else ""


def _normal(days: Mapping[str, Day], usual: str) -> Day:
    return days[usual] if usual else Day(0, 0)


def _sum(days: Sequence[Day]) -> Day:
    return Day(sum(day.pico for day in days), sum(day.requests for day in days))
