"""What moved spend since the week before, by feature and by tenant, as gauges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from prometheus_client.metrics_core import Metric as Family

from taximeter_processor import names
from taximeter_processor.ledger import movements
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.families import gauge
from taximeter_processor.metrics.series import Labels
from taximeter_processor.money import to_float
from taximeter_processor.periods import midnight, same_time_windows, to_us, windows
from taximeter_processor.settings import Settings

LARGEST: Final = 50
"""Groups whose change is explained; the change of all others is `other`, not split."""
NOT_SPLIT: Final = "all"


def moved(store: LedgerStore, settings: Settings, now: datetime) -> Iterator[Family]:
    """Today so far against the same time a week ago, and yesterday against its weekday.

    Within a feature (or a tenant) `volume` is the number of its own calls, and `mix` how they
    spread over tenants, request types and models.
    """
    by_feature, by_tenant = gauge(names.SPEND_CHANGE), gauge(names.TENANT_CHANGE)
    for name, before, after in _comparisons(settings, now):
        leaves = movements.changes(store, before, after)
        for family, by in ((by_feature, ("feature", "team")), (by_tenant, ("tenant",))):
            for labels, driver, pico in _explained(movements.grouped(leaves, by)):
                family.add_metric([*labels, driver, name], to_float(pico))
    yield by_feature
    yield by_tenant


def _comparisons(settings: Settings, now: datetime) -> list[tuple[str, Window, Window]]:
    zone = settings.zone
    today, yesterday, *_ = windows(now, zone)
    _, last_week = same_time_windows(now, zone)
    so_far = Window("today", today.start_us, to_us(now))
    day = now.astimezone(zone).date() - timedelta(days=8)
    week_before = Window("week before", midnight(day, zone), midnight(day + timedelta(1), zone))
    return [("today", last_week, so_far), ("yesterday", week_before, yesterday)]


def _explained(
    grouped: Mapping[Labels, Sequence[movements.Leaf]],
) -> Iterator[tuple[Labels, str, int]]:
    """(group, driver, pico-USD), parts of nothing left out; the sum is the change of the whole."""
    change = {group: sum(leaf.change_pico for leaf in leaves) for group, leaves in grouped.items()}
    ranked = sorted(change, key=lambda group: (-abs(change[group]), group))
    for group in ranked[:LARGEST]:
        for driver, pico in movements.split(grouped[group]).items():
            if pico:
                yield group, driver, pico
    rest = ranked[LARGEST:]
    if rest:
        others = (names.OVERFLOW_VALUE,) * len(rest[0])
        yield others, NOT_SPLIT, sum(change[group] for group in rest)
