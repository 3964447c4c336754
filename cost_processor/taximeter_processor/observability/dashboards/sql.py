"""Turns SQL into Grafana panels on the PostgreSQL ledger, which the SDK has no builder for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard as models

from taximeter_processor.observability.dashboards import panels
from taximeter_processor.observability.dashboards.panels import Frame, Link, Unit

POSTGRES: Final = "grafana-postgresql-datasource"
VARIABLE: Final = "ledger"
"""Not called as on the other boards: links between boards hand variables on by name."""
DATASOURCE: Final = models.DataSourceRef(type_val=POSTGRES, uid=f"${VARIABLE}")


_Panel = TypeVar("_Panel", stat.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True)
class Select(Dataquery, Builder[Dataquery]):
    """One SQL query of a panel, as the panel editor saves it."""

    sql: str
    format: str = "table"

    def build(self) -> Dataquery:
        """Itself: there is nothing to finish."""
        return self

    def to_json(self) -> dict[str, object]:
        """The query in Grafana's form."""
        return {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": "A",
        }


def sql_trend(frame: Frame, sql: str) -> timeseries.Panel:
    """Stacked bars of the columns `time`, `metric` and a value."""
    return _on_postgres(panels.trend(frame), Select(sql, "time_series"))


def sql_number(frame: Frame, sql: str, units: Mapping[str, Unit] | None = None) -> stat.Panel:
    """A large number for each column of one row."""
    return _on_postgres(panels.number(frame, units=units), Select(sql))


def sql_rows(
    frame: Frame, sql: str, units: Mapping[str, Unit], links: Sequence[Link] = ()
) -> table.Panel:
    """A table of the query's columns, in its order."""
    return _on_postgres(panels.plain_rows(frame, links=links, units=units), Select(sql))


def _on_postgres(panel: _Panel, query: Select) -> _Panel:
    return panel.datasource(DATASOURCE).with_target(query)


def choices(name: str, expression: str, view: str) -> builders.QueryVariable:
    """A variable of the values of a column in the selected range."""
    return (
        builders.QueryVariable(name)
        .label(name.replace("_", " ").capitalize())
        .datasource(DATASOURCE)
        .query(
            f"select distinct {expression} from {view} where $__timeFilter(start_time) order by 1"
        )
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )
