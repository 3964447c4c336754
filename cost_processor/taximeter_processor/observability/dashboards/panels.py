"""Turns a title, a description and queries into a Grafana panel of one of five kinds."""

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
    ScaleDistribution,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
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
    units: Mapping[str, Unit] | None = None,
    texts: Mapping[str, str] | None = None,
) -> stat.Panel:
    """Large numbers, one for each series; `units` are by legend, `texts` replace values."""
    panel = (
        _framed(stat.Panel(), frame, steps)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(BigValueGraphMode.NONE)
        .color_mode(BigValueColorMode.VALUE if steps else BigValueColorMode.NONE)
        .no_value("–")
    )
    for ref_id, query in _lettered(queries):
        panel.with_target(_instant(query, ref_id))
    for legend, unit in (units or {}).items():
        panel.override_by_name(legend, _unit_properties(unit))
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
        .legend(_legend_below())
    )
    for ref_id, query in _lettered(queries):
        panel.with_target(_target(query, ref_id).range())
    if last:
        panel.time_from(last)
    return panel.interval(step) if step else panel


def lines(
    frame: Frame,
    *queries: Query,
    band: tuple[str, str] | None = None,
    exemplars: bool = False,
    logarithmic: bool = False,
    step: str = "",
) -> timeseries.Panel:
    """Lines over time; `step` is the least distance of points.

    Between the legends (lowest, highest) of `band` the ground is shaded.
    """
    panel = (
        _framed(timeseries.Panel(), frame, ())
        .draw_style(GraphDrawStyle.LINE)
        .fill_opacity(0)
        .line_width(2)
        .show_points(VisibilityMode.AUTO)
        .span_nulls(False)
        .legend(_legend_below())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for ref_id, query in _lettered(queries):
        panel.with_target(_target(query, ref_id).range().exemplar(exemplars))
    if band:
        lowest, highest = band
        hairline, shade = _property("custom.lineWidth", 0), _property("custom.fillOpacity", 20)
        below = _property("custom.fillBelowTo", lowest)
        grey = _property("color", {"mode": "fixed", "fixedColor": "text"})
        panel.override_by_name(lowest, [hairline, grey])
        panel.override_by_name(highest, [hairline, grey, shade, below])
    if logarithmic:
        scale = common.ScaleDistributionConfig().type(ScaleDistribution.LOG).log(10)
        panel.scale_distribution(scale)
    return panel.interval(step) if step else panel


@dataclass(frozen=True, slots=True)
class Unit:
    """How one column or one number of a panel is written, where not in the panel's own unit."""

    unit: str
    decimals: int
    steps: Steps = ()


@dataclass(frozen=True, slots=True)
class Link:
    """What makes a column's cells clickable."""

    heading: str
    title: str
    url: str


def rows(
    frame: Frame,
    columns: Mapping[str, str],
    values: Mapping[str, Query],
    *,
    links: Sequence[Link] = (),
    units: Mapping[str, Unit] | None = None,
) -> table.Panel:
    """A table: label columns (label to heading), then a column for each query by its heading.

    `units` are by heading. Sorted by the first value.
    """
    panel = plain_rows(frame, links=links, units=units or {})
    headings = dict(columns)
    for ref_id, (heading, query) in zip(_LETTERS, values.items(), strict=False):
        panel.with_target(_instant(query, ref_id).format(PromQueryFormat.TABLE))
        headings[f"Value #{ref_id}" if len(values) > 1 else "Value"] = heading
    for transformation in _one_table(headings):
        panel.with_transformation(transformation)
    first = next(iter(values))
    return panel.sort_by([common.TableSortByFieldState().display_name(first).desc(True)])


def plain_rows(frame: Frame, *, links: Sequence[Link], units: Mapping[str, Unit]) -> table.Panel:
    """A table without queries; `units` are by heading."""
    panel = _framed(table.Panel(), frame, ()).filterable(True).no_value("–")
    for heading, unit in units.items():
        panel.override_by_name(heading, _unit_properties(unit))
    for link in links:
        found = [{"title": link.title, "url": link.url}]
        panel.override_by_name(link.heading, [_property("links", found)])
    return panel


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


def _unit_properties(unit: Unit) -> list[models.DynamicConfigValue]:
    found = [_property("unit", unit.unit), _property("decimals", unit.decimals)]
    if unit.steps:
        levels: list[dict[str, object]] = [{"color": "text", "value": None}]
        levels += [{"color": color, "value": value} for value, color in unit.steps]
        found.append(_property("thresholds", {"mode": "absolute", "steps": levels}))
        found.append(_property("custom.cellOptions", {"type": "color-text"}))
    return found


def _legend_below() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    )


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
