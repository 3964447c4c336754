"""Money shown as a number: gauges read from the ledger, kept for a few seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from taximeter_processor import names
from taximeter_processor.budgets import owner_of, spent_pico
from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.series import Labels, SeriesTable, shown
from taximeter_processor.metrics.text import TextFamily, labels_text
from taximeter_processor.money import to_float, usd_to_pico
from taximeter_processor.owners import Owners
from taximeter_processor.periods import same_time_windows, to_us, windows
from taximeter_processor.settings import Settings

_log = logging.getLogger(__name__)

_Spent = tuple[tuple[str, ...], dict[str, tuple[int, int]]]
_FEATURE_GROUP = ("feature", "team", "request_type", "environment")


class LedgerGauges:
    """Spend, tenants, budgets and owners as the whole ledger has them, whoever wrote it."""

    def __init__(
        self,
        store: LedgerStore,
        settings: Settings,
        cost_labels: SeriesTable,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._cost_labels = cost_labels
        self._clock = clock
        self._owners = Owners(settings.owners)
        self._lock = threading.Lock()
        self._families: list[Family | TextFamily] = []
        self._read_at = float("-inf")

    def collect(self) -> list[Family | TextFamily]:
        """The families, read again when older than `gauge_cache_seconds`."""
        with self._lock:
            age = self._clock() - self._read_at
            # Younger than nothing, when the clock was set back.
            if not 0 <= age < self._settings.gauge_cache_seconds:
                now = datetime.fromtimestamp(self._clock(), timezone.utc)
                try:
                    self._families = list(self._read(now))
                except LedgerError as error:
                    # Counters must come out; gauges that would lie are left out.
                    _log.warning("the ledger's gauges are left out: %s", error)
                    self._families = []
                self._read_at = self._clock()
            return self._families

    def _read(self, now: datetime) -> Iterator[Family | TextFamily]:
        yield from self._spend(now)
        yield from self._requests(now)
        yield self._same_time(now)
        yield from self._tenants(now)
        yield from self._budgets(now)
        yield self._restated()
        rows, cost, newest = queries.quick_totals(self._store)
        yield _single(names.LEDGER_ROWS, rows)
        yield _single(names.LEDGER_COST, to_float(cost))
        yield _single(names.LEDGER_BYTES, self._store.size_bytes())
        yield _single(names.INGEST_NEWEST, (newest or 0) / 1_000_000)

    def _spend(self, now: datetime) -> Iterator[Family | TextFamily]:
        """Spend by cost labels, collapsed as the counters are, and the owner of each feature."""
        found = queries.spend_by_window(
            self._store, queries.COST_COLUMNS, windows(now, self._settings.zone)
        )
        as_counted = [
            (self._cost_labels.find(tuple(map(shown, group))), spent) for group, spent in found
        ]
        sums = _summed(as_counted, self._cost_labels.empty_copy())
        name, label_names = names.SPEND.name, names.SPEND.labels
        yield TextFamily(
            names.SPEND,
            [
                f"{name}{{{labels_text(label_names, (*labels, window))}}} {to_float(pico)}\n"
                for (labels, window), pico in sums.items()
                if pico or window == "today"
            ],
        )
        yield self._owner_info({(labels[0], labels[1]) for labels, _ in sums})

    def _owner_info(self, pairs: set[tuple[str, str]]) -> Family:
        family = _gauge(names.OWNER_INFO)
        for feature, team in sorted(pairs):
            family.add_metric([feature, team, self._owners.owner_of(feature, team)], 1)
        return family

    def _requests(self, now: datetime) -> Iterator[Family]:
        found = queries.spend_by_window(
            self._store, (*_FEATURE_GROUP, "status"), windows(now, self._settings.zone)
        )
        calls = _summed(found, self._feature_labels(), amount=1)
        family = _gauge(names.SPEND_REQUESTS)
        for (labels, window), count in calls.items():
            if count:
                family.add_metric([*labels, window], count)
        yield family

    def _same_time(self, now: datetime) -> Family:
        family = _gauge(names.SPEND_SAME_TIME)
        for window in same_time_windows(now, self._settings.zone):
            found = queries.spend_by_window(self._store, _FEATURE_GROUP, [window])
            for (labels, name), pico in _summed(found, self._feature_labels()).items():
                family.add_metric([*labels, name], to_float(pico))
        return family

    def _feature_labels(self) -> SeriesTable:
        """Bounds for groups of a feature: request type, then environment collapse."""
        return SeriesTable(self._settings.limits.label_sets, collapsible=(2, 3))

    def _restated(self) -> Family:
        metric = names.RESTATED
        family = CounterMetricFamily(
            metric.name.removesuffix("_total"), metric.help, labels=list(metric.labels)
        )
        for reason, up, down in queries.restated(self._store):
            family.add_metric(["up", reason], to_float(up))
            family.add_metric(["down", reason], to_float(down))
        return family

    def _tenants(self, now: datetime) -> Iterator[Family]:
        """The largest tenants of the month by name, all others together as `other`."""
        today, yesterday, month, _ = windows(now, self._settings.zone)
        hour = Window("1h", to_us(now - timedelta(hours=1)), to_us(now) + 1)
        found = queries.spend_by_window(
            self._store, ("tenant", "team"), [hour, today, yesterday, month]
        )
        by_month: dict[str, int] = {}
        for (tenant, _), spent in found:
            by_month[tenant] = by_month.get(tenant, 0) + spent["month"][0]
        largest = sorted(by_month, key=lambda tenant: (-by_month[tenant], tenant))
        named = set(largest[: self._settings.limits.tenants])
        bounded = SeriesTable(self._settings.limits.label_sets, collapsible=(1,))
        sums: dict[tuple[str, str, str], tuple[int, int]] = {}
        for (tenant, team), spent in found:
            label = shown(tenant) if tenant in named else names.OVERFLOW_VALUE
            label, team = bounded.get((label, shown(team))).labels
            for window, (pico, calls) in spent.items():
                key = (label, team, window)
                before = sums.get(key, (0, 0))
                sums[key] = (before[0] + pico, before[1] + calls)
        spend, requests = _gauge(names.TENANT_SPEND), _gauge(names.TENANT_REQUESTS)
        for (tenant, team, window), (pico, calls) in sums.items():
            spend.add_metric([tenant, team, window], to_float(pico))
            requests.add_metric([tenant, team, window], calls)
        yield spend
        yield requests

    def _budgets(self, now: datetime) -> Iterator[Family]:
        limit, spent = _gauge(names.BUDGET), _gauge(names.BUDGET_SPENT)
        for budget in self._settings.budgets:
            labels = [
                budget.name,
                owner_of(budget, self._owners),
                budget.feature or "",
                budget.team or "",
                budget.period,
            ]
            limit.add_metric(labels, to_float(usd_to_pico(budget.usd)))
            pico = spent_pico(self._store, budget, now, self._settings.zone)
            spent.add_metric(labels, to_float(pico))
        yield limit
        yield spent


def _summed(
    found: list[_Spent], table: SeriesTable, amount: int = 0
) -> dict[tuple[Labels, str], int]:
    """Pico (`amount` 0) or calls (1) by window and by labels as the table bounds them."""
    sums: dict[tuple[Labels, str], int] = {}
    for group, spent in found:
        labels = table.get(tuple(map(shown, group))).labels
        for window, amounts in spent.items():
            key = (labels, window)
            sums[key] = sums.get(key, 0) + amounts[amount]
    return sums


def _gauge(metric: names.Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.help, labels=list(metric.labels))


def _single(metric: names.Metric, value: float) -> Family:
    return GaugeMetricFamily(metric.name, metric.help, value=value)
