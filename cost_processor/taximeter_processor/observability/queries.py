"""Turns a dashboard's JSON into the PromQL of its panels, with Grafana's variables filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from taximeter_processor.observability.promql import FILTERS, TENANT

VARIABLES: Final[Mapping[str, str]] = {
    "__rate_interval": "5m",
    "__interval": "5m",
    "__range": "24h",
    **dict.fromkeys((*FILTERS, TENANT), ".*"),
}
"""What each variable stands for when no filter is chosen."""

_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")


class PanelQuery(NamedTuple):
    """One query of a panel, ready for Prometheus."""

    panel_title: str
    expr: str
    legend: str
    """Grafana's legend template, e.g. `{{feature}}`; empty in tables."""


def panel_queries(
    dashboard: Mapping[str, Any], variables: Mapping[str, str] = VARIABLES
) -> list[PanelQuery]:
    """Every PromQL of every panel, in order; raises `KeyError` for a variable without a value."""
    return [
        PanelQuery(panel["title"], fill(target["expr"], variables), target.get("legendFormat", ""))
        for panel in panels(dashboard)
        for target in panel.get("targets", ())
        if "expr" in target
    ]


def fill(expr: str, variables: Mapping[str, str] = VARIABLES) -> str:
    """PromQL with Grafana's `$name` and `${name}` replaced."""
    return _VARIABLE.sub(lambda match: variables[match.group(1)], expr)


def panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Panels, those inside collapsed rows included."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())
