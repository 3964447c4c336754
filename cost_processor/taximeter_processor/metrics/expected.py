"""What the ledger's last four weeks say of a month's end and of each budget's, as gauges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from prometheus_client.metrics_core import Metric as Family

from taximeter_processor import names
from taximeter_processor.analysis.forecast import SPREAD_DAYS, at_the_end, since_first
from taximeter_processor.budgets import scope_of, spent_pico
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.families import gauge
from taximeter_processor.metrics.series import Labels, SeriesTable, shown
from taximeter_processor.money import to_float
from taximeter_processor.periods import day_bounds, period_end, to_us
from taximeter_processor.settings import Settings

_GROUP: Final = ("feature", "team", "request_type", "environment")
_Days = Mapping[tuple[str, ...], Sequence[int]]


def expected(store: LedgerStore, settings: Settings, now: datetime) -> Iterator[Family]:
    """The month's run rate by feature, and the forecast of each budget.

    Every group is divided by the same number of days, so run rates add up to that of the whole.
    """
    zone = settings.zone
    past = day_bounds(SPREAD_DAYS + 1, now, zone)[:-1]
    days = queries.spend_by_day(store, _GROUP, past)
    history = len(since_first(_summed(days, {})))
    left = period_end("month", now, zone) - to_us(now)
    yield _run_rates(_this_month(store, settings, now), days, history, left, settings)
    yield _forecasts(store, settings, now, days, history)


def _this_month(store: LedgerStore, settings: Settings, now: datetime) -> _Days:
    today = now.astimezone(settings.zone).date()
    bounds = day_bounds(today.day, now, settings.zone)
    return queries.spend_by_day(store, _GROUP, [bounds[0], bounds[-1]])


def _run_rates(month: _Days, days: _Days, history: int, left_us: int, settings: Settings) -> Family:
    table = SeriesTable(settings.limits.label_sets, collapsible=(2, 3))
    sums: dict[Labels, int] = {}
    for group in month.keys() | days.keys():
        spent = sum(month.get(group, ()))
        found = at_the_end(spent, _last(days.get(group, [0] * SPREAD_DAYS), history), left_us)
        if found is not None:
            labels = table.get(tuple(map(shown, group))).labels
            sums[labels] = sums.get(labels, 0) + found.p50
    family = gauge(names.RUN_RATE)
    for labels, pico in sums.items():
        family.add_metric([*labels], to_float(pico))
    return family


def _forecasts(
    store: LedgerStore, settings: Settings, now: datetime, days: _Days, history: int
) -> Family:
    family = gauge(names.FORECAST)
    for budget in settings.budgets:
        spent = spent_pico(store, budget, now, settings.zone)
        left = period_end(budget.period, now, settings.zone) - to_us(now)
        found = at_the_end(spent, _last(_summed(days, scope_of(budget)), history), left)
        if found is None:
            continue
        family.add_metric([budget.name, "0.5"], to_float(found.p50))
        if found.p90 is not None:
            family.add_metric([budget.name, "0.9"], to_float(found.p90))
    return family


def _summed(days: _Days, scope: Mapping[str, str]) -> list[int]:
    """The days of all groups with the scope's tags."""
    wanted = [(_GROUP.index(name), value) for name, value in scope.items()]
    found = [0] * SPREAD_DAYS
    for group, spent in days.items():
        if all(group[index] == value for index, value in wanted):
            found = [a + b for a, b in zip(found, spent, strict=True)]
    return found


def _last(days: Sequence[int], count: int) -> list[int]:
    return list(days[len(days) - count :])
