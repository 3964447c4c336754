"""What went through which of the providers' service tiers, as a gauge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client.metrics_core import Metric as Family

from taximeter_processor import names
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.families import gauge
from taximeter_processor.metrics.series import Labels, SeriesTable, shown
from taximeter_processor.money import to_float
from taximeter_processor.periods import windows
from taximeter_processor.settings import Settings

LARGEST: Final = 12
"""Tiers shown by name, the dearest of the month; senders may write into it what they like."""

_GROUP: Final = ("feature", "team", "request_type", "environment", "provider", "service_tier")
_TIER: Final = _GROUP.index("service_tier")
_COLLAPSIBLE: Final = tuple(_GROUP.index(n) for n in ("request_type", "environment", "provider"))


def tiers(store: LedgerStore, settings: Settings, now: datetime) -> Iterator[Family]:
    """Spend of today, yesterday and the month, and nothing where nothing was spent.

    The sum over all tiers is the spend of the window.
    """
    today, yesterday, month, _ = windows(now, settings.zone)
    found = queries.spend_by_window(store, _GROUP, [today, yesterday, month])
    by_month: Counter[str] = Counter()
    for group, spent in found:
        by_month[group[_TIER]] += spent[month.name][0]
    named = {tier for tier, _ in sorted(by_month.items(), key=lambda e: (-e[1], e[0]))[:LARGEST]}
    table = SeriesTable(settings.limits.label_sets, _COLLAPSIBLE)
    sums: Counter[tuple[Labels, str]] = Counter()
    for group, spent in found:
        tier = shown(group[_TIER]) if group[_TIER] in named else names.OVERFLOW_VALUE
        labels = table.get((*map(shown, group[:_TIER]), tier)).labels
        for window, (pico, _) in spent.items():
            sums[labels, window] += pico
    family = gauge(names.TIER_SPEND)
    for (labels, window), pico in sums.items():
        if pico:
            family.add_metric([*labels, window], to_float(pico))
    yield family
