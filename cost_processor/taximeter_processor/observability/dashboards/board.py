"""Turns sections of panels into a dashboard's Classic JSON, with what all dashboards share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from taximeter_processor.names import PRICE_BOOK_INFO
from taximeter_processor.observability.dashboards.panels import DATASOURCE
from taximeter_processor.observability.promql import FILTERS, TENANT
from taximeter_processor.observability.recorded import (
    RULE_OPTIMIZATION_START,
    RULE_SPEND,
    RULE_TENANT_SPEND,
)

TAG: Final = "taximeter"
RUNBOOKS: Final = "runbooks"
"""The variable with the address that runbooks are below."""
OPTIMIZATIONS: Final = "Optimisations"

# The time of an annotation is the value of the series; the builder does not know it.
_AT_ITS_VALUE: Final = {
    "useValueForTime": True,
    "titleFormat": "{{optimization}}",
    "textFormat": "{{feature}}: {{kind}}",
}

# Grafana adds it to every dashboard it saves, and takes one without it for changed.
_BUILT_IN: Final = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


Panel = Builder[models.Panel]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled row of panels, laid out from left to right on 24 columns."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Head:
    """What is above the panels; `uid` is part of the addresses in alerts and never changes."""

    uid: str
    title: str
    description: str
    filters: Sequence[str] = FILTERS
    start: str = "now-24h"
    refresh: str = "1m"


def build_board(head: Head, sections: Sequence[Section], runbooks_url: str) -> dict[str, object]:
    """A dashboard on Prometheus as JSON values."""
    board = begin_board(head).with_variable(
        builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    )
    for name in head.filters:
        board.with_variable(_filter(name))
    board.with_variable(builders.ConstantVariable(RUNBOOKS).value(runbooks_url))
    board.annotation(_price_changes()).annotation(_optimizations())
    return finish_board(board, sections)


def begin_board(head: Head) -> builders.Dashboard:
    """A dashboard without variables, annotations and panels."""
    return (
        builders.Dashboard(head.title)
        .uid(head.uid)
        .description(head.description)
        .tags([TAG])
        .timezone("utc")
        .time(head.start, "now")
        .refresh(head.refresh)
        .readonly()
        .link(_sister_boards())
        .link(_alerts())
    )


def finish_board(board: builders.Dashboard, sections: Sequence[Section]) -> dict[str, object]:
    """The dashboard with its panels as JSON values, as Grafana 10 to 13 want them."""
    for section in sections:
        board.with_row(builders.Row(section.title))
        for panel in section.panels:
            board.with_panel(panel)
    return _finished(json.loads(JSONEncoder().encode(board.build())))


def _filter(name: str) -> builders.QueryVariable:
    rule = RULE_TENANT_SPEND if name == TENANT else RULE_SPEND
    return (
        builders.QueryVariable(name)
        .label(name.replace("_", " ").capitalize())
        .datasource(DATASOURCE)
        .query(f"label_values({rule}, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _price_changes() -> builders.AnnotationQuery:
    name = PRICE_BOOK_INFO.name
    return (
        builders.AnnotationQuery()
        .name("Price changes")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("orange")
        .expr(f"group by (version) ({name} unless on (version) {name} offset 5m)")
    )


def _optimizations() -> builders.AnnotationQuery:
    labels = "optimization, feature, kind"
    return (
        builders.AnnotationQuery()
        .name(OPTIMIZATIONS)
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("green")
        .expr(f"max by ({labels}) ({RULE_OPTIMIZATION_START}) * 1000")
    )


def _alerts() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Alerts")
        .type(models.DashboardLinkType.LINK)
        .icon("bell")
        .url("/alerting/list?search=Taximeter")
    )


def _sister_boards() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Taximeter")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )


def _finished(board: dict[str, Any]) -> dict[str, object]:
    """What the builder leaves out or adds wrongly for Grafana 10 to 13."""
    for number, panel in enumerate(board["panels"], start=1):
        panel["id"] = number
    for variable in board["templating"]["list"]:
        _drop_interval_keys(variable)
    annotations: list[dict[str, object]] = board["annotations"].get("list", [])
    for note in annotations:
        if note["name"] == OPTIMIZATIONS:
            note |= _AT_ITS_VALUE
    board["annotations"]["list"] = [dict(_BUILT_IN), *annotations]
    return board


def _drop_interval_keys(variable: dict[str, Any]) -> None:
    for key in ("auto", "auto_min", "auto_count"):
        variable.pop(key, None)
