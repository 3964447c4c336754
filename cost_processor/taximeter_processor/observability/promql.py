"""Turns metric names, label values and a board's filters into PromQL text."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from taximeter_processor.names import Metric

FILTERS: Final = ("environment", "team", "feature", "request_type")
"""The variables of a dashboard that narrow what it shows; each is a label of the same name."""

TENANT: Final = "tenant"
"""One more such variable, on boards that show tenants."""

REPLICA_LABELS: Final = ("instance", "pod", "writer")
"""Labels in which replicas that read the same ledger differ."""


def select(name: str, filters: Collection[str] = (), **labels: str) -> str:
    """`name{…}` with exact label values, and `label=~"$label"` for each filter.

    A value that begins with `=~`, `!=` or `!~` brings its own operator.
    """
    matchers = [f'{label}=~"${label}"' for label in filters]
    matchers += [f"{label}{_condition(value)}" for label, value in labels.items()]
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def shared_filters(*metrics: Metric) -> tuple[str, ...]:
    """The filters every one of the metrics has a label for, so that they can be compared."""
    return tuple(name for name in FILTERS if all(name in metric.labels for metric in metrics))


def rose(series: str, window: str, by: str) -> str:
    """By how much counters rose in the window, series born in it included.

    `increase` alone misses the first sample of a series, and with it a counter that appears at 1
    and stays there.
    """
    born = f"({series} unless last_over_time({series}[{window}] offset {window}))"
    return f"sum by ({by}) (\n  {born}\n  or increase({series}[{window}])\n) > 0"


def _condition(value: str) -> str:
    if value[:2] in ("=~", "!=", "!~"):
        return value[:2] + json.dumps(value[2:], ensure_ascii=False)
    return "=" + json.dumps(value, ensure_ascii=False)
