"""Asks Prometheus what a panel asks, as Grafana would: now or over time, variables filled in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from taximeter_processor.observability.queries import VARIABLES, fill, panels
from tests.dashboards.history import HistoryServer, Series
from tests.dashboards.workload import NOW

BOARDS: Final = Path(__file__).parents[2] / "grafana" / "dashboards"
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}
_POINTS: Final = 300


class Target(NamedTuple):
    """One query of a panel and how it is asked."""

    panel: Mapping[str, Any]
    expr: str
    legend: str
    instant: bool
    range_seconds: int
    step_seconds: int


def board(uid: str) -> dict[str, Any]:
    """A dashboard as it is checked in."""
    found: dict[str, Any] = json.loads((BOARDS / f"{uid}.json").read_text())
    return found


def targets(dashboard: Mapping[str, Any]) -> Iterator[Target]:
    """Every PromQL query of a dashboard."""
    for panel in panels(dashboard):
        for target in panel.get("targets", ()):
            if "expr" in target:
                yield _target(dashboard, panel, target)


def _target(
    dashboard: Mapping[str, Any], panel: Mapping[str, Any], target: Mapping[str, Any]
) -> Target:
    shown = seconds(panel.get("timeFrom") or dashboard["time"]["from"].removeprefix("now-"))
    least = seconds(panel["interval"]) if panel.get("interval") else 15
    step = max(least, shown // _POINTS)
    values = {
        **VARIABLES,
        "__range": f"{shown}s",
        "__interval": f"{step}s",
        # What Grafana makes of a scrape interval of a minute.
        "__rate_interval": f"{max(step + 60, 240)}s",
    }
    expr = fill(target["expr"], values)
    instant = bool(target.get("instant"))
    return Target(panel, expr, target.get("legendFormat", ""), instant, shown, step)


def ask(server: HistoryServer, target: Target) -> list[Series]:
    """What Prometheus answers at the end of the history."""
    if target.instant:
        return server.at(target.expr)
    # Grafana lays the points of a range on multiples of the step.
    end = NOW - timedelta(seconds=NOW.timestamp() % target.step_seconds)
    points = target.range_seconds // target.step_seconds
    step = timedelta(seconds=target.step_seconds)
    return server.over_time(target.expr, end - points * step, end, step)


def seconds(duration: str) -> int:
    """`15m`, `24h` or `30d` in seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]
