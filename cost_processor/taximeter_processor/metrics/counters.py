"""Turns committed ledger rows into Prometheus counters, and can do it again from the ledger.

Counters are a function of this writer's rows: `apply` adds what was just committed, `seed` rebuilds
the same sums at start-up, so they never reset and never miss a row. Back-filled rows are only in
`taximeter_backfilled_cost_usd_total`.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Exemplar

from taximeter_processor import names
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.series import Series, SeriesTable, shown
from taximeter_processor.money import PICO_PER_USD, to_float, usd_to_pico
from taximeter_processor.names import UNKNOWN_VALUE

REQUEST_COST_BUCKETS_USD: Final = (
    0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0,
)  # fmt: skip
BUCKETS_PICO: Final = tuple(round(bound * PICO_PER_USD) for bound in REQUEST_COST_BUCKETS_USD)
_BUCKET_KEYS: Final = tuple(f"bucket/{number}" for number in range(len(BUCKETS_PICO) + 1))
_STATUS_KEYS: Final = {
    status: f"requests/{status}" for status in ("priced", "unpriced", "failed", "cached")
}

_MODEL, _REQUEST_TYPE = names.COST_LABELS.index("model"), names.COST_LABELS.index("request_type")
_Exemplar = tuple[str, int, int]
"""(trace id, pico-USD, end µs) of a call in a bucket."""


class CostCounters:
    """Every counter of calls and money of one writer."""

    def __init__(self, label_sets: int = 20_000, birth_hold_seconds: float = 120.0) -> None:
        self._hold_us = round(birth_hold_seconds * 1_000_000)
        self.cost = SeriesTable(label_sets, collapsible=(_MODEL, _REQUEST_TYPE))
        self._unpriced = SeriesTable(label_sets, collapsible=(3, 2))
        self._histogram = SeriesTable(label_sets)
        self._backfilled = SeriesTable(label_sets)
        self._exemplars: dict[tuple[str, int], _Exemplar] = {}

    def apply(self, records: Iterable[Record]) -> None:
        """Count rows that were just committed by this writer."""
        for record in records:
            if record.is_backfill:
                self._backfill(record.feature, record.team, record.first_cost_usd)
                continue
            labels = (
                record.feature or UNKNOWN_VALUE,
                record.team or UNKNOWN_VALUE,
                record.request_type or UNKNOWN_VALUE,
                record.provider or UNKNOWN_VALUE,
                record.model or UNKNOWN_VALUE,
                record.environment or UNKNOWN_VALUE,
            )
            _count(self.cost.get(labels, record.ingested_at), record)
            if record.status == "priced":
                self._observe(labels[0], record)
            elif record.status == "unpriced":
                unpriced = (labels[0], labels[1], labels[3], labels[4], record.unpriced_reason)
                self._unpriced.get(unpriced, record.ingested_at).add("unpriced/", 1)

    def seed(self, store: LedgerStore, writer: str) -> None:
        """Rebuild every sum from the ledger's rows of `writer`; call once, before `apply`."""
        for labels, born, sums in queries.counter_sums(store, writer):
            series = self.cost.get(tuple(map(shown, labels)), born)
            for key, amount in sums.items():
                series.add(key, amount)
        for labels, born, count in queries.unpriced_sums(store, writer):
            self._unpriced.get(tuple(map(shown, labels)), born).add("unpriced/", count)
        for feature, born, counts, total in queries.histogram_sums(store, writer, BUCKETS_PICO):
            series = self._histogram.get((shown(feature),), born)
            for bucket, count in enumerate(counts):
                series.add(_BUCKET_KEYS[bucket], count)
            series.add("sum/", total)
        for feature, team, pico in queries.backfilled_sums(store, writer):
            self._backfill(feature, team, pico)

    def totals(self, now_us: int) -> dict[str, int]:
        """Pico-USD `counted`, `held` and `backfilled`: their sum is the rows' `first_cost_usd`."""
        counted = held = 0
        for series in self.cost:
            pico = sum(v for key, v in series.sums.items() if key.startswith("cost/"))
            if self._is_held(series, now_us):
                held += pico
            else:
                counted += pico
        backfilled = sum(series.sums["cost/"] for series in self._backfilled)
        return {"counted": counted, "held": held, "backfilled": backfilled}

    def collect(self, now_us: int) -> Iterator[Family]:
        """The families as they are shown at `now_us`."""
        yield from self._collect_cost(now_us)
        yield self._collect_unpriced(now_us)
        yield self._collect_histogram(now_us)
        yield self._collect_backfilled()
        held = GaugeMetricFamily(names.COUNTER_HELD.name, names.COUNTER_HELD.help)
        held.add_metric([], to_float(self.totals(now_us)["held"]))
        yield held
        overflow = _counter(names.LABEL_OVERFLOW)
        for position, count in self.cost.overflows.items():
            overflow.add_metric([names.COST_LABELS[position] if position >= 0 else "all"], count)
        yield overflow

    def _observe(self, feature: str, record: Record) -> None:
        pico = record.first_cost_usd
        bucket = bisect_left(BUCKETS_PICO, pico)
        sums = self._histogram.get((feature,), record.ingested_at).sums
        key = _BUCKET_KEYS[bucket]
        sums[key] = sums.get(key, 0) + 1
        sums["sum/"] = sums.get("sum/", 0) + pico
        self._exemplars[(feature, bucket)] = (record.trace_id, pico, record.end_time)

    def _backfill(self, feature: str, team: str, pico: int) -> None:
        self._backfilled.get((shown(feature), shown(team)), 0).add("cost/", pico)

    def _is_held(self, series: Series, now_us: int) -> bool:
        return now_us - series.born_us < self._hold_us

    def _collect_cost(self, now_us: int) -> Iterator[Family]:
        families = {
            "cost": _counter(names.COST),
            "usage": _counter(names.USAGE),
            "requests": _counter(names.REQUESTS),
            "saved": _counter(names.SAVED),
            "extra": _counter(names.EXTRA),
        }
        money = {"cost", "saved", "extra"}
        for series in self.cost:
            held = self._is_held(series, now_us)
            for key, amount in list(series.sums.items()):
                family, _, last = key.partition("/")
                value = 0 if held else to_float(amount) if family in money else amount
                families[family].add_metric([*series.labels, last], value)
        yield from families.values()

    def _collect_unpriced(self, now_us: int) -> Family:
        family = _counter(names.UNPRICED)
        for series in self._unpriced:
            count = 0 if self._is_held(series, now_us) else series.sums["unpriced/"]
            family.add_metric(list(series.labels), count)
        return family

    def _collect_histogram(self, now_us: int) -> Family:
        metric = names.REQUEST_COST
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*map(str, REQUEST_COST_BUCKETS_USD), "+Inf"]
        for series in self._histogram:
            held = self._is_held(series, now_us)
            counts = [0 if held else series.sums.get(key, 0) for key in _BUCKET_KEYS]
            feature = series.labels[0]
            buckets: list[tuple[str, float, Exemplar | None]] = [
                (bound, total, None if held else self._exemplar(feature, bucket))
                for bucket, (bound, total) in enumerate(
                    zip(bounds, accumulate(counts), strict=True)
                )
            ]
            total = 0.0 if held else to_float(series.sums["sum/"])
            family.add_metric([feature], buckets, total)  # type: ignore[arg-type]  # with exemplars
        return family

    def _exemplar(self, feature: str, bucket: int) -> Exemplar | None:
        found = self._exemplars.get((feature, bucket))
        if found is None:
            return None
        trace_id, pico, end_us = found
        return Exemplar({"trace_id": trace_id}, to_float(pico), end_us / 1_000_000)

    def _collect_backfilled(self) -> Family:
        family = _counter(names.BACKFILLED)
        for series in self._backfilled:
            family.add_metric(list(series.labels), to_float(series.sums["cost/"]))
        return family


def _count(series: Series, record: Record) -> None:
    sums = series.sums
    get = sums.get
    key = _STATUS_KEYS[record.status]
    sums[key] = get(key, 0) + 1
    if record.list_cost_usd != record.first_cost_usd or record.tier_saved_usd:
        _count_savings(series, record)
    if record.status == "cached":
        return
    if quantity := record.input_quantity:
        sums["usage/input"] = get("usage/input", 0) + quantity
        sums["cost/input"] = get("cost/input", 0) + record.input_cost_usd
    if quantity := record.output_quantity:
        sums["usage/output"] = get("usage/output", 0) + quantity
        sums["cost/output"] = get("cost/output", 0) + record.output_cost_usd
    if quantity := record.cache_read_quantity:
        sums["usage/cache_read"] = get("usage/cache_read", 0) + quantity
        sums["cost/cache_read"] = get("cost/cache_read", 0) + record.cache_read_cost_usd
    if quantity := record.cache_write_quantity:
        sums["usage/cache_write"] = get("usage/cache_write", 0) + quantity
        sums["cost/cache_write"] = get("cost/cache_write", 0) + record.cache_write_cost_usd
    if record.other_meters:
        for meter, (quantity, cost) in json.loads(record.other_meters).items():
            series.add(f"usage/{meter}", quantity)
            series.add(f"cost/{meter}", usd_to_pico(cost))


def _count_savings(series: Series, record: Record) -> None:
    """Split `list - cost` by what made the difference; what cost more than plain is `extra`."""
    difference = record.list_cost_usd - record.first_cost_usd
    if record.status == "cached":
        series.add("saved/response_cache", difference)
        return
    for source, pico in (
        ("prompt_cache", difference - record.tier_saved_usd),
        ("tier", record.tier_saved_usd),
    ):
        if pico > 0:
            series.add(f"saved/{source}", pico)
        elif pico < 0:
            series.add(f"extra/{source}", -pico)


def _counter(metric: names.Metric) -> CounterMetricFamily:
    return CounterMetricFamily(
        metric.name.removesuffix("_total"), metric.help, labels=list(metric.labels)
    )
