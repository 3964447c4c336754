"""Changes that are to save money: when, and what a call cost before and after, as gauges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from prometheus_client.metrics_core import Metric as Family

from taximeter_processor import names
from taximeter_processor.ledger import movements
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.families import gauge
from taximeter_processor.money import to_float
from taximeter_processor.periods import midnight
from taximeter_processor.settings import Settings

LONGEST_DAYS: Final = 28


def optimizations(store: LedgerStore, settings: Settings, now: datetime) -> Iterator[Family]:
    """Dates, expectations, and exact sums of equally long times on either side of each change."""
    start, expected = gauge(names.OPTIMIZATION_START), gauge(names.OPTIMIZATION_EXPECTED)
    cost, requests = gauge(names.OPTIMIZATION_COST), gauge(names.OPTIMIZATION_REQUESTS)
    for change in settings.optimizations:
        labels = [change.name, change.feature, change.kind]
        start.add_metric(labels, midnight(change.date, settings.zone) / 1_000_000)
        if change.expected_saving is not None:
            expected.add_metric(labels, change.expected_saving)
        for window in around(change.date, now, settings.zone):
            pico, calls = movements.priced_calls(store, change.feature, window)
            if calls:
                cost.add_metric([*labels, window.name], to_float(pico))
                requests.add_metric([*labels, window.name], calls)
    yield from (start, expected, cost, requests)


def around(change: date, now: datetime, zone: tzinfo) -> list[Window]:
    """`before` and `after`: as many whole days on either side of the day of a change.

    The day itself is in neither. Whole weeks once there is one, so that weekends weigh the same on
    both sides; at most four. Empty until a whole day has passed since.
    """
    passed = (now.astimezone(zone).date() - change).days - 1
    days = min(passed, LONGEST_DAYS)
    if days >= 7:
        days -= days % 7
    if days < 1:
        return []
    first, last = change - timedelta(days=days), change + timedelta(days=days + 1)
    following = change + timedelta(days=1)
    return [
        Window("before", midnight(first, zone), midnight(change, zone)),
        Window("after", midnight(following, zone), midnight(last, zone)),
    ]
