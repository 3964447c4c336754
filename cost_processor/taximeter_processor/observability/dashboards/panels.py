"""Turns a title, a description and queries into a Grafana panel of one of four kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

USD: Final = "currencyUSD"
SHARE: Final = "percentunit"
COUNT: Final = "short"
SECONDS: Final = "s"

DATASOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="$datasource")

Steps = Sequence[tuple[float, str]]
"""Colours by the value from which they hold; below the first it is green."""

_Panel = TypeVar("_Panel", bargauge.Panel, stat.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every panel has: a size on the grid of 24 columns, words, and a unit."""

    title: str
    description: str
    width: int
    height: int
    unit: str = USD
    decimals: int = 2


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL and how its series are called."""

    expr: str
    legend: str = ""


def number(
    frame: Frame,
    *queries: Query,
    steps: Steps = (),
    shares: Sequence[str] = (),
    texts: Mapping[str, str] | None = None,
) -> stat.Panel:
    """Large numbers, one for each series; legends named in `shares` are shown as percentages."""
    panel = (
        _framed(stat.Panel(), frame, steps)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.VALUE if steps else BigValueColorMode.NONE)
        .no_value("–")
    )
    for ref_id, query in _lettered(queries):
        panel.with_target(_instant(query, ref_id))
    for legend in shares:
        panel.override_by_name(legend, [_property("unit", SHARE), _property("decimals", 1)])
    if texts:
        results = {value: models.ValueMappingResult(text=text) for value, text in texts.items()}
        panel.mappings([models.ValueMap(options=results)])
    return panel


def bars(
    frame: Frame, query: Query, *, steps: Steps = (), top: float | None = None
) -> bargauge.Panel:
    """Horizontal bars, one for each series; `top` is the value of a full bar."""
    panel = (
        _framed(bargauge.Panel(), frame, steps)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .min(0)
        .no_value("–")
        .with_target(_instant(query, "A"))
    )
    return panel.max(top) if top is not None else panel


def trend(frame: Frame, *queries: Query, last: str = "", step: str = "") -> timeseries.Panel:
    """Stacked bars over time; `last` fixes the range shown, `step` the width of a bar."""
    panel = (
        _framed(timeseries.Panel(), frame, ())
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(80)
        .line_width(0)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
    )
    for ref_id, query in _lettered(queries):
        panel.with_target(_target(query, ref_id).range())
    if last:
        panel.time_from(last)
    if step:
        panel.interval(step)
    return panel


def rows(
    frame: Frame,
    columns: Mapping[str, str],
    values: Mapping[str, Query],
    *,
    link: tuple[str, str, str] | None = None,
) -> table.Panel:
    """A table: label columns (label to heading), then a column for each query by its heading.

    `link` makes cells clickable: (heading, title, address). Sorted by the first value.
    """
    panel = _framed(table.Panel(), frame, ()).filterable(True).no_value("–")
    headings = dict(columns)
    for ref_id, (heading, query) in zip(_LETTERS, values.items(), strict=False):
        panel.with_target(_instant(query, ref_id).format(PromQueryFormat.TABLE))
        headings[f"Value #{ref_id}" if len(values) > 1 else "Value"] = heading
    for transformation in _one_table(headings):
        panel.with_transformation(transformation)
    if link:
        heading, title, url = link
        panel.override_by_name(heading, [_property("links", [{"title": title, "url": url}])])
    first = next(iter(values))
    return panel.sort_by([common.TableSortByFieldState().display_name(first).desc(True)])


_LETTERS: Final = "ABCDEFGH"


def _lettered(queries: Sequence[Query]) -> zip[tuple[str, Query]]:
    return zip(_LETTERS, queries, strict=False)


def _framed(panel: _Panel, frame: Frame, steps: Steps) -> _Panel:
    levels = [models.Threshold(color="green", value=None)]
    levels += [models.Threshold(color=color, value=value) for value, color in steps]
    return (
        panel.title(frame.title)
        .description(frame.description)
        .span(frame.width)
        .height(frame.height)
        .unit(frame.unit)
        .decimals(frame.decimals)
        .datasource(DATASOURCE)
        .thresholds(builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(levels))
    )


def _target(query: Query, ref_id: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(query.expr)
        .legend_format(query.legend)
        .ref_id(ref_id)
        .datasource(DATASOURCE)
    )


def _instant(query: Query, ref_id: str) -> prometheus.Dataquery:
    return _target(query, ref_id).instant()


def _property(name: str, value: object) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val=name, value=value)


def _one_table(headings: Mapping[str, str]) -> list[models.DataTransformerConfig]:
    """Join the queries' rows by their labels, then order and name the columns."""
    return [
        models.DataTransformerConfig(id_val="merge", options={}),
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {name: index for index, name in enumerate(headings)},
                "renameByName": dict(headings),
            },
        ),
    ]
