"""Turns sections of panels into a dashboard's Classic JSON, with what all dashboards share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from taximeter_processor.names import PRICE_BOOK_INFO, RULE_SPEND
from taximeter_processor.observability.dashboards.panels import DATASOURCE
from taximeter_processor.observability.promql import FILTERS

TAG: Final = "taximeter"

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


def build_board(
    uid: str, title: str, description: str, sections: Sequence[Section]
) -> dict[str, object]:
    """The dashboard as JSON values; `uid` is part of the addresses in alerts and never changes."""
    board = (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("utc")
        .time("now-24h", "now")
        .refresh("1m")
        .readonly()
        .with_variable(
            builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
        .annotation(_price_changes())
        .link(_sister_boards())
    )
    for name in FILTERS:
        board.with_variable(_filter(name))
    for section in sections:
        board.with_row(builders.Row(section.title))
        for panel in section.panels:
            board.with_panel(panel)
    return _finished(json.loads(JSONEncoder().encode(board.build())))


def _filter(name: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .label(name.replace("_", " ").capitalize())
        .datasource(DATASOURCE)
        .query(f"label_values({RULE_SPEND}, {name})")
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
    annotations: list[Mapping[str, object]] = board["annotations"]["list"]
    board["annotations"]["list"] = [dict(_BUILT_IN), *annotations]
    return board


def _drop_interval_keys(variable: dict[str, Any]) -> None:
    for key in ("auto", "auto_min", "auto_count"):
        variable.pop(key, None)
