"""Turns committed ledger rows into Prometheus counters, and can do it again from the ledger.

Counters are a function of this writer's rows: `apply` adds what was just committed, `seed` rebuilds
the same sums at start-up, so they never reset and never miss a row. Back-filled rows are only in
`taximeter_backfilled_cost_usd_total`.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

from taximeter_processor import names
from taximeter_processor.ledger import carried
from taximeter_processor.ledger.record import COMMON_METERS, COST_COLUMNS, Record
from taximeter_processor.ledger.store import Reads
from taximeter_processor.metrics.families import counter, single
from taximeter_processor.metrics.series import Labels, Series, SeriesTable, shown
from taximeter_processor.metrics.text import AnyFamily, TextFamily, labels_text
from taximeter_processor.money import PICO_PER_USD, to_float, usd_to_pico

REQUEST_COST_BUCKETS_USD: Final = (
    0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0,
)  # fmt: skip
BUCKETS_PICO: Final = tuple(round(bound * PICO_PER_USD) for bound in REQUEST_COST_BUCKETS_USD)
_BUCKET_KEYS: Final = tuple(f"bucket/{number}" for number in range(len(BUCKETS_PICO) + 1))
_STATUS_KEYS: Final = {
    status: f"requests/{status}" for status in ("priced", "unpriced", "failed", "cached")
}

_METER_KEYS: Final = tuple((f"usage/{meter}", f"cost/{meter}") for meter in COMMON_METERS)
_PROMPT_CACHE_KEYS: Final = ("saved/prompt_cache", "extra/prompt_cache")
_TIER_KEYS: Final = ("saved/tier", "extra/tier")
_place = Record._fields.index
_GROUP_OF: Final = itemgetter(_place("status"), *map(_place, COST_COLUMNS))
_AMOUNTS_OF: Final = itemgetter(
    *(_place(f"{meter}_{column}") for meter in COMMON_METERS for column in ("quantity", "cost_usd"))
)
_FIRST_COST: Final = itemgetter(_place("first_cost_usd"))
_MODEL, _REQUEST_TYPE = names.COST_LABELS.index("model"), names.COST_LABELS.index("request_type")
_ByStatus = dict[str, list[Record]]
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
        self._lock = threading.Lock()

    def apply(self, records: Sequence[Record], now_us: int | None = None) -> None:
        """Count rows that were just committed by this writer.

        Sums are born at `now_us`, on the clock that `collect` is asked by; without it, when their
        rows arrived.
        """
        with self._lock:
            if now_us is not None:
                self._apply(records, now_us)
            else:
                for arrived_us, rows in groupby(records, itemgetter(_place("ingested_at"))):
                    self._apply(list(rows), arrived_us)

    def _apply(self, records: Sequence[Record], at_us: int) -> None:
        """Rows of one label set are added up before their sums are added to what there is."""
        groups: dict[tuple[str, ...], list[Record]] = {}
        for record in records:
            if record.is_backfill:
                self._backfill(record.feature, record.team, at_us, record.first_cost_usd)
            else:
                groups.setdefault(_GROUP_OF(record), []).append(record)
        by_labels: dict[Labels, _ByStatus] = {}
        for key, rows in groups.items():
            by_labels.setdefault(key[1:], {})[key[0]] = rows
        counted = [(_shown(labels), found) for labels, found in by_labels.items()]
        self._admit(counted)
        for labels, found in counted:
            _count(self.cost.get(labels, sum(map(len, found.values()))), found, at_us)
            self._observe(labels[0], found.get("priced", ()), at_us)
            for row in found.get("unpriced", ()):
                series = self._unpriced.get(_unpriced_labels(labels, row))
                series.add("unpriced/", 1, at_us)

    def seed(self, store: Reads, writer: str, now_us: int | None = None) -> None:
        """Rebuild every sum from the ledger's rows of `writer` and from what pruned ones added.

        Call once, before `apply`. What was born after `now_us`, before the clock was set back, has
        been shown and stays so.
        """
        found = carried.counted(store, writer, BUCKETS_PICO)
        for family, table in (
            (carried.COST, self.cost),
            (carried.UNPRICED, self._unpriced),
            (carried.BACKFILLED, self._backfilled),
        ):
            for labels, sums in found[family]:
                series = table.get(labels)
                for key, (amount, born) in sums.items():
                    series.add(key, amount, _believed(born, now_us))
        for labels, sums in found[carried.HISTOGRAM]:
            self._seed_histogram(self._histogram.get(labels), sums, now_us)

    def _seed_histogram(self, series: Series, sums: carried.Sums, now_us: int | None) -> None:
        total, first = sums.pop(carried.SUM_KEY)
        born = _believed(first, now_us)
        for key in _BUCKET_KEYS:
            series.add(key, 0, born)
        series.add("sum/", total, born)
        for key, (count, _) in sums.items():
            bound = key.removeprefix("le/")
            place = len(BUCKETS_PICO)
            if bound != carried.UNBOUNDED:
                place = bisect_left(BUCKETS_PICO, int(bound))
            series.add(_BUCKET_KEYS[place], count, born)

    def _admit(self, counted: Sequence[tuple[Labels, _ByStatus]]) -> None:
        """Admit new label sets in the order in which `seed` would: by name within one commit."""
        for labels in sorted({labels for labels, _ in counted if labels not in self.cost}):
            self.cost.admit(labels)
        for feature in sorted({labels[:1] for labels, found in counted if "priced" in found}):
            self._histogram.admit(feature)
        unpriced = {
            _unpriced_labels(labels, row)
            for labels, found in counted
            for row in found.get("unpriced", ())
        }
        for labels in sorted(unpriced):
            self._unpriced.admit(labels)

    def totals(self, now_us: int) -> dict[str, int]:
        """Pico-USD `counted`, `held` and `backfilled`: their sum is the rows' `first_cost_usd`."""
        with self._lock:
            return self._totals(now_us)

    def collect(self, now_us: int) -> list[AnyFamily]:
        """The families as they are shown at `now_us`, all of one moment."""
        with self._lock:
            families, held_pico = self._collect_cost(now_us)
            held = single(names.COUNTER_HELD, to_float(held_pico))
            overflow = counter(names.LABEL_OVERFLOW)
            for position, count in self.cost.overflows.items():
                label = names.COST_LABELS[position] if position >= 0 else "all"
                overflow.add_metric([label], count)
            return [
                *families,
                self._collect_unpriced(now_us),
                self._collect_histogram(now_us),
                self._collect_backfilled(now_us),
                held,
                overflow,
            ]

    def _totals(self, now_us: int) -> dict[str, int]:
        counted = held = 0
        for series in self.cost:
            for key, pico in series.sums.items():
                if key.startswith("cost/"):
                    if self._is_held(series, key, now_us):
                        held += pico
                    else:
                        counted += pico
        backfilled = sum(sum(series.sums.values()) for series in self._backfilled)
        return {"counted": counted, "held": held, "backfilled": backfilled}

    def _observe(self, feature: str, priced: Sequence[Record], now_us: int) -> None:
        if not priced:
            return
        series = self._histogram.get((feature,), len(priced))
        if not series.sums:
            for key in _BUCKET_KEYS:
                series.add(key, 0, now_us)
        for record in priced:
            pico = record.first_cost_usd
            bucket = bisect_left(BUCKETS_PICO, pico)
            series.add(_BUCKET_KEYS[bucket], 1, now_us)
            self._exemplars[(feature, bucket)] = (record.trace_id, pico, record.end_time)
        series.add("sum/", sum(map(_FIRST_COST, priced)), now_us)

    def _backfill(self, feature: str, team: str, born_us: int, pico: int) -> None:
        self._backfilled.get((shown(feature), shown(team))).add("cost/", pico, born_us)

    def _is_held(self, series: Series, key: str, now_us: int) -> bool:
        return now_us - series.born[key] < self._hold_us

    def _collect_cost(self, now_us: int) -> tuple[list[TextFamily], int]:
        """Every counter with the cost labels, and the pico-USD that is not shown yet."""
        lines: dict[str, list[str]] = {family: [] for family in _FAMILIES}
        forms: dict[str, _Form] = {}
        oldest_held, held_pico = now_us - self._hold_us, 0
        for series in self.cost:
            first, second, third = series.text or _keep_text(series)
            born = series.born
            for key, amount in series.sums.items():
                form = forms.get(key)
                if form is None:
                    form = forms[key] = _form(key, lines)
                head, between, behind, unit, found = form
                if born[key] > oldest_held:
                    if head is _COST_HEAD:
                        held_pico += amount
                    amount = 0
                value = amount / unit
                found.append(f"{head}{first}{between}{second}{behind}{third}}} {value}\n")
        return [
            TextFamily(metric, lines[family]) for family, metric in _FAMILIES.items()
        ], held_pico

    def _collect_unpriced(self, now_us: int) -> TextFamily:
        lines = []
        for series in self._unpriced:
            labels = labels_text(names.UNPRICED.labels, series.labels)
            for key, count in series.sums.items():
                shown_count = 0 if self._is_held(series, key, now_us) else count
                lines.append(f"{names.UNPRICED.name}{{{labels}}} {float(shown_count)}\n")
        return TextFamily(names.UNPRICED, lines)

    def _collect_histogram(self, now_us: int) -> TextFamily:
        name = names.REQUEST_COST.name
        lines: list[str] = []
        exemplars: dict[int, str] = {}
        for series in self._histogram:
            if not series.sums:
                continue
            labels = labels_text(names.REQUEST_COST.labels, series.labels)
            held = self._is_held(series, "sum/", now_us)
            total = 0
            for bucket, key in enumerate(_BUCKET_KEYS):
                if not held:
                    total += series.sums.get(key, 0)
                    found = self._exemplars.get((series.labels[0], bucket))
                    if found is not None:
                        exemplars[len(lines)] = _exemplar(*found)
                lines.append(f'{name}_bucket{{{labels},le="{_BOUNDS[bucket]}"}} {float(total)}\n')
            usd = 0.0 if held else to_float(series.sums["sum/"])
            lines += (
                f"{name}_count{{{labels}}} {float(total)}\n",
                f"{name}_sum{{{labels}}} {usd}\n",
            )
        return TextFamily(names.REQUEST_COST, lines, exemplars)

    def _collect_backfilled(self, now_us: int) -> TextFamily:
        lines = []
        for series in self._backfilled:
            labels = labels_text(names.BACKFILLED.labels, series.labels)
            pico = 0 if self._is_held(series, "cost/", now_us) else series.sums["cost/"]
            lines.append(f"{names.BACKFILLED.name}{{{labels}}} {to_float(pico)}\n")
        return TextFamily(names.BACKFILLED, lines)


_FAMILIES: Final = {
    "cost": names.COST,
    "usage": names.USAGE,
    "requests": names.REQUESTS,
    "saved": names.SAVED,
    "extra": names.EXTRA,
}
_MONEY: Final = ("cost", "saved", "extra")
_HEADS: Final = {family: f"{metric.name}{{" for family, metric in _FAMILIES.items()}
_COST_HEAD: Final = _HEADS["cost"]
_BOUNDS: Final = (*map(str, REQUEST_COST_BUCKETS_USD), "+Inf")
# In the order of the names; the last label, of the sum, goes between two of the parts.
_PARTS: Final = (("environment", "feature"), ("model", "provider", "request_type"), ("team",))

_Form = tuple[str, str, str, int, list[str]]
"""What is before and between a label set's parts, units in one shown, and where lines go."""


def _form(key: str, lines: dict[str, list[str]]) -> _Form:
    """The form of one kind of sum."""
    family, _, last = key.partition("/")
    name = _FAMILIES[family].labels[-1]
    told = f",{labels_text([name], [last])},"
    between, behind = (told, ",") if name < "model" else (",", told)
    return _HEADS[family], between, behind, PICO_PER_USD if family in _MONEY else 1, lines[family]


def _keep_text(series: Series) -> tuple[str, ...]:
    values = dict(zip(names.COST_LABELS, series.labels, strict=True))
    series.text = tuple(labels_text(part, [values[name] for name in part]) for part in _PARTS)
    return series.text


def _believed(born_us: int, now_us: int | None) -> int:
    """A birth in the future was long ago."""
    return 0 if now_us is not None and born_us > now_us else born_us


def _exemplar(trace_id: str, pico: int, end_us: int) -> str:
    return f'{{trace_id="{trace_id}"}} {to_float(pico)} {end_us / 1_000_000}'


def _shown(labels: Labels) -> Labels:
    return tuple(map(shown, labels)) if "" in labels else labels


def _unpriced_labels(labels: Labels, record: Record) -> Labels:
    """feature, team, provider, model, reason."""
    return (labels[0], labels[1], labels[3], labels[4], record.unpriced_reason)


def _count(series: Series, found: _ByStatus, at_us: int) -> None:
    """Add rows of one label set."""
    for status, rows in found.items():
        series.add(_STATUS_KEYS[status], len(rows), at_us)
    for row in found.get("cached", ()):
        if avoided := row.list_cost_usd - row.first_cost_usd:
            series.add("saved/response_cache", avoided, at_us)
    paid = [row for status, rows in found.items() if status != "cached" for row in rows]
    if not paid:
        return
    amounts = list(map(sum, zip(*map(_AMOUNTS_OF, paid), strict=True)))
    for (usage, cost), quantity, pico in zip(_METER_KEYS, amounts[::2], amounts[1::2], strict=True):
        if quantity:
            series.add(usage, quantity, at_us)
            series.add(cost, pico, at_us)
    _count_savings(series, paid, at_us)
    for row in paid:
        if row.other_meters:
            for meter, (quantity, usd) in json.loads(row.other_meters).items():
                series.add(f"usage/{meter}", quantity, at_us)
                series.add(f"cost/{meter}", usd_to_pico(usd), at_us)


def _count_savings(series: Series, paid: Sequence[Record], at_us: int) -> None:
    """Split `list - cost` by what made the difference; what cost more than plain is `extra`."""
    for row in paid:
        tier = row.tier_saved_usd
        cache = row.list_cost_usd - row.first_cost_usd - tier
        if cache:
            series.add(_PROMPT_CACHE_KEYS[cache < 0], abs(cache), at_us)
        if tier:
            series.add(_TIER_KEYS[tier < 0], abs(tier), at_us)
