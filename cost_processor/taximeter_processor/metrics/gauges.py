"""Money shown as a number: gauges read from the ledger, kept for a few seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from prometheus_client.metrics_core import Metric as Family

from taximeter_processor import names
from taximeter_processor.budgets import owner_of, spent_pico
from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger import carried, queries
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.record import COST_COLUMNS
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.expected import expected
from taximeter_processor.metrics.families import counter, gauge, single
from taximeter_processor.metrics.movers import moved
from taximeter_processor.metrics.optimizations import optimizations
from taximeter_processor.metrics.series import Labels, SeriesTable, shown
from taximeter_processor.metrics.text import AnyFamily, TextFamily, labels_text
from taximeter_processor.metrics.tiers import tiers
from taximeter_processor.money import to_float, usd_to_pico
from taximeter_processor.owners import Owners
from taximeter_processor.periods import same_time_windows, to_us, windows
from taximeter_processor.settings import Settings

_log = logging.getLogger(__name__)

_Spent = tuple[tuple[str, ...], dict[str, tuple[int, int]]]
_Read = Callable[[datetime], Iterator[AnyFamily]]
SLOWER = 12
"""Gauges that look back for weeks are read again this many times less often."""
SLOW_SECONDS = 0.5
REST = 9
"""After a slow read, so many times as long passes before the next."""
PATIENCE_SECONDS = 4.0
"""A scrape waits no longer for a read: both parts together are within Prometheus' ten seconds."""
_LOOKING_BACK = (expected, moved, optimizations, tiers)
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
        often = settings.gauge_cache_seconds
        self._parts = [_Cached(self._read, often), _Cached(self._read_back, SLOWER * often)]

    def collect(self) -> list[AnyFamily]:
        """The families, read again when older than `gauge_cache_seconds`."""
        return [family for part in self._parts for family in part.collect(self._clock())]

    def _read_back(self, now: datetime) -> Iterator[Family]:
        for read in _LOOKING_BACK:
            yield from read(self._store, self._settings, now)

    def _read(self, now: datetime) -> Iterator[AnyFamily]:
        yield from self._spend(now)
        yield from self._requests(now)
        yield self._same_time(now)
        yield from self._tenants(now)
        yield from self._budgets(now)
        yield self._expected()
        yield self._restated()
        yield from self._pruned()
        yield self._let_go()
        rows, cost, newest = queries.quick_totals(self._store)
        yield single(names.LEDGER_ROWS, rows)
        yield single(names.LEDGER_COST, to_float(cost))
        yield single(names.LEDGER_BYTES, self._store.size_bytes())
        yield single(names.INGEST_NEWEST, (newest or 0) / 1_000_000)

    def _spend(self, now: datetime) -> Iterator[AnyFamily]:
        """Spend by cost labels, collapsed as the counters are, and the owner of each feature."""
        found = queries.spend_by_window(
            self._store, COST_COLUMNS, windows(now, self._settings.zone)
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
        family = gauge(names.OWNER_INFO)
        for feature, team in sorted(pairs):
            family.add_metric([feature, team, self._owners.owner_of(feature, team)], 1)
        return family

    def _requests(self, now: datetime) -> Iterator[Family]:
        """Calls by status, and what those cost that were broken off."""
        columns = (*_FEATURE_GROUP, "status", "usage_status")
        found = queries.spend_by_window(self._store, columns, windows(now, self._settings.zone))
        calls = _summed([(g[:-1], spent) for g, spent in found], self._feature_labels(), amount=1)
        family = gauge(names.SPEND_REQUESTS)
        for (labels, window), count in calls.items():
            if count:
                family.add_metric([*labels, window], count)
        yield family
        partial = [(g[: len(_FEATURE_GROUP)], spent) for g, spent in found if g[-1] == "partial"]
        broken_off = gauge(names.BROKEN_OFF)
        for (labels, window), pico in _summed(partial, self._feature_labels()).items():
            broken_off.add_metric([*labels, window], to_float(pico))
        yield broken_off

    def _same_time(self, now: datetime) -> Family:
        family = gauge(names.SPEND_SAME_TIME)
        for window in same_time_windows(now, self._settings.zone):
            found = queries.spend_by_window(self._store, _FEATURE_GROUP, [window])
            for (labels, name), pico in _summed(found, self._feature_labels()).items():
                family.add_metric([*labels, name], to_float(pico))
        return family

    def _feature_labels(self) -> SeriesTable:
        """Bounds for groups of a feature: request type, then environment collapse."""
        return SeriesTable(self._settings.limits.label_sets, collapsible=(2, 3))

    def _expected(self) -> Family:
        family = gauge(names.FEATURE_EXPECTED)
        for feature in self._settings.never_silent:
            family.add_metric([feature], 1)
        return family

    def _restated(self) -> Family:
        family = counter(names.RESTATED)
        for reason, up, down in carried.restated(self._store):
            family.add_metric(["up", reason], to_float(up))
            family.add_metric(["down", reason], to_float(down))
        return family

    def _let_go(self) -> Family:
        family = counter(names.LEDGER_LIMITS)
        for limit in ("links", "open_traces", "rows"):
            family.add_metric([limit], self._store.let_go[limit])
        return family

    def _pruned(self) -> Iterator[Family]:
        """The horizon is shown once there is one."""
        pruned = counter(names.LEDGER_PRUNED)
        pruned.add_metric([], carried.totals(self._store).rows)
        yield pruned
        if horizon := queries.horizon_us(self._store):
            yield single(names.LEDGER_HORIZON, horizon / 1_000_000)

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
        spend, requests = gauge(names.TENANT_SPEND), gauge(names.TENANT_REQUESTS)
        for (tenant, team, window), (pico, calls) in sums.items():
            spend.add_metric([tenant, team, window], to_float(pico))
            requests.add_metric([tenant, team, window], calls)
        yield spend
        yield requests

    def _budgets(self, now: datetime) -> Iterator[Family]:
        limit, spent = gauge(names.BUDGET), gauge(names.BUDGET_SPENT)
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


class _Cached:
    """The families of one read, for a number of seconds.

    On a big ledger, where a read takes long, it is made less often and beside the scrape, which
    then shows what is there: reading takes a tenth of one core at most, and no scrape waits.
    """

    def __init__(self, read: _Read, seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._lock = threading.Lock()
        self._reading: threading.Event | None = None
        """Set when the read that is under way is done."""
        self._began = 0.0
        self._families: list[AnyFamily] = []
        self._read_at = float("-inf")
        self._took = 0.0

    def collect(self, at: float) -> list[AnyFamily]:
        """The families, at most so old; none if a read that used to be quick does not end."""
        with self._lock:
            if self._reading is None and self._is_old(at):
                self._reading, self._began = threading.Event(), time.monotonic()
                threading.Thread(target=self._refresh, args=(at,), daemon=True).start()
            reading = self._reading
        is_quick = self._took < SLOW_SECONDS or not self._families
        if reading is not None and is_quick:
            rest = self._began + PATIENCE_SECONDS - time.monotonic()
            if not reading.wait(max(rest, 0)):
                return []
        return self._families

    def _is_old(self, at: float) -> bool:
        rest = REST * self._took if self._took >= SLOW_SECONDS else 0
        # Younger than nothing, when the clock was set back.
        return not 0 <= at - self._read_at < max(self._seconds, rest)

    def _refresh(self, at: float) -> None:
        families: list[AnyFamily] = []
        try:
            families = list(self._read(datetime.fromtimestamp(at, timezone.utc)))
        except LedgerError as error:
            # Counters must come out; gauges that would lie are left out.
            _log.warning("the ledger's gauges are left out: %s", error)
        finally:
            with self._lock:
                self._families, self._read_at = families, at
                self._took = time.monotonic() - self._began
                reading, self._reading = self._reading, None
            if reading is not None:
                reading.set()


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
