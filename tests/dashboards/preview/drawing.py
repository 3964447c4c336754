"""Turns a board's JSON and its answers into a page: every panel at its place on the grid."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from tests.dashboards.answers import Target
from tests.dashboards.history import Series
from tests.dashboards.preview.charts import Frame, Line, chart
from tests.dashboards.preview.formats import shown
from tests.dashboards.workload import NOW

Answers = Sequence[tuple[Target, list[Series]]]
Table = list[dict[str, Any]]
COLUMN_PX: Final = 64
ROW_PX: Final = 38
COLOURS: Final = {"green": "#4b9c43", "orange": "#e0752d", "red": "#d44a3a", "text": "inherit"}


class Answered(NamedTuple):
    """A panel with what its queries answered, or its SQL rows."""

    panel: Mapping[str, Any]
    answers: Answers = ()
    rows: Table | None = None


class Style(NamedTuple):
    """How a value of a panel is written."""

    unit: str
    decimals: int
    steps: Sequence[Mapping[str, Any]]

    def text(self, value: float | None) -> str:
        return shown(value, self.unit, self.decimals)

    def colour(self, value: float | None) -> str:
        found = "inherit"
        for step in self.steps:
            if value is not None and (step["value"] is None or value >= step["value"]):
                found = COLOURS[step["color"]]
        return found


def page(
    board: Mapping[str, Any], panels: Sequence[Answered], marks: Mapping[float, str], theme: str
) -> str:
    """The whole page; `theme` is `light` or `dark`."""
    variables = " ".join(
        f"<span>{escape(v.get('label') or v['name'])}: All</span>"
        for v in board["templating"]["list"]
        if v["type"] == "query"
    )
    title = escape(board["title"])
    boxes = "".join(_box(answered, marks) for answered in panels)
    return (
        f'<!doctype html><html class="{theme}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{CSS}</style><h1>{title}</h1><p>{escape(board['description'])}</p><nav>{variables}</nav><main>{boxes}</main></html>"
    )


def _box(answered: Answered, marks: Mapping[float, str]) -> str:
    panel, place = answered.panel, answered.panel["gridPos"]
    columns = f"grid-column:{place['x'] + 1}/span {place['w']}"
    where = f"{columns};grid-row:{place['y'] + 1}/span {place['h']}"
    title = escape(panel["title"])
    if panel["type"] == "row":
        return f'<h2 style="{where}">{title}</h2>'
    content = _KINDS[panel["type"]](answered, marks)
    note = escape(panel["description"])
    return f'<section style="{where}"><h3 title="{note}">{title}</h3>{content}</section>'


def _stat(answered: Answered, _: Mapping[float, str]) -> str:
    found = []
    for name, value in _values(answered):
        style = _style(answered.panel, name)
        text = _mapped(answered.panel, value) or style.text(value)
        coloured = answered.panel["options"]["colorMode"] == "value"
        colour = style.colour(value) if coloured else "inherit"
        found.append(
            f'<div><b style="color:{colour}">{escape(text)}</b><i>{escape(name)}</i></div>'
        )
    empty = "<div><b>–</b></div>"
    return f'<div class="stat">{"".join(found) or empty}</div>'


def _values(answered: Answered) -> list[tuple[str, float | None]]:
    if answered.rows is not None:
        return [(name, float(value)) for name, value in answered.rows[0].items()]
    return [
        (_name(target, series), series.points[-1][1])
        for target, found in answered.answers
        for series in found
    ]


def _bargauge(answered: Answered, _: Mapping[float, str]) -> str:
    style = _style(answered.panel, "")
    pairs = _values(answered)
    top = answered.panel["fieldConfig"]["defaults"].get("max")
    top = top or max((value or 0 for _, value in pairs), default=1) or 1
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="bar"><div style="width:'
        f"{min(100.0, max(0.0, (value or 0) / top * 100)):.0f}%;background:"
        f'{style.colour(value)}"></div></td><td class="number">{style.text(value)}</td></tr>'
        for name, value in pairs
    )
    return f'<div class="scroll"><table>{rows}</table></div>' if rows else '<p class="empty">–</p>'


def _table(answered: Answered, _: Mapping[float, str]) -> str:
    rows = answered.rows if answered.rows is not None else _merged(answered)
    if not rows:
        return '<p class="empty">No data</p>'
    sort = answered.panel.get("options", {}).get("sortBy")
    if sort:
        key = sort[0]["displayName"]
        rows = sorted(rows, key=lambda row: -(row.get(key) or 0))
    headings = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in headings)
    linked = _linked(answered.panel)
    body = "".join(
        _row(_cell(answered.panel, name, row.get(name), linked) for name in headings)
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _merged(answered: Answered) -> Table:
    """What Grafana's "merge" and "organize" make of the queries: rows by their labels."""
    (organized,) = [t for t in answered.panel["transformations"] if t["id"] == "organize"]
    options = organized["options"]
    order = sorted(options["indexByName"], key=options["indexByName"].__getitem__)
    headings = {name: options["renameByName"][name] for name in order}
    merged: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for letter, (_, found) in zip("ABCDEFGH", answered.answers, strict=False):
        column = f"Value #{letter}" if len(answered.answers) > 1 else "Value"
        for series in found:
            labels = tuple(sorted(series.labels.items()))
            merged.setdefault(labels, {})[column] = series.points[-1][1]
    return [
        {
            heading: dict(labels).get(name, "")
            if not name.startswith("Value")
            else values.get(name)
            for name, heading in headings.items()
        }
        for labels, values in merged.items()
    ]


def _cell(panel: Mapping[str, Any], name: str, value: object, linked: set[str]) -> str:
    if isinstance(value, str) or (value is not None and not hasattr(value, "__float__")):
        text = escape(str(value)[:24])
        return f"<td>{f'<a>{text}</a>' if name in linked else text}</td>"
    number = float(value) if value is not None else None
    style = _style(panel, name)
    colour = style.colour(number) if _is_coloured(panel, name) else "inherit"
    return f'<td class="number" style="color:{colour}">{style.text(number)}</td>'


def _timeseries(answered: Answered, marks: Mapping[float, str]) -> str:
    panel, place = answered.panel, answered.panel["gridPos"]
    custom = panel["fieldConfig"]["defaults"]["custom"]
    style = _style(panel, "")
    lines, step, start = [], 300.0, NOW.timestamp() - 86_400
    if answered.rows is not None:
        by_name: dict[str, list[tuple[float, float]]] = {}
        for row in answered.rows:
            by_name.setdefault(row["metric"], []).append((float(row["time"]), float(row["value"])))
        lines = [Line(name, points) for name, points in by_name.items()]
    for target, found in answered.answers:
        step, start = target.step_seconds, NOW.timestamp() - target.range_seconds
        for series in found:
            name = _name(target, series)
            below = _property(panel, name, "custom.fillBelowTo") or ""
            hairline = _property(panel, name, "custom.lineWidth") == 0
            lines.append(Line(name, series.points, below, hairline))
    frame = Frame(
        place["w"] * COLUMN_PX - 24,
        place["h"] * ROW_PX - 44,
        start,
        NOW.timestamp(),
        step,
        style.text,
        custom.get("scaleDistribution", {}).get("type") == "log",
    )
    return chart(frame, lines, stacked=custom["drawStyle"] == "bars", marks=marks)


_KINDS: Final = {
    "stat": _stat,
    "bargauge": _bargauge,
    "table": _table,
    "timeseries": _timeseries,
}


def _name(target: Target, series: Series) -> str:
    """Grafana's legend template, filled in."""
    return re.sub(r"{{(\w+)}}", lambda match: series.labels.get(match[1], ""), target.legend)


def _mapped(panel: Mapping[str, Any], value: float | None) -> str:
    for mapping in panel["fieldConfig"]["defaults"].get("mappings", ()):
        found = mapping["options"].get(f"{value:g}") if value is not None else None
        if found and math.isfinite(value or 0):
            return str(found["text"])
    return ""


def _style(panel: Mapping[str, Any], name: str) -> Style:
    defaults = panel["fieldConfig"]["defaults"]
    own = _property(panel, name, "thresholds")
    steps = (own or defaults.get("thresholds", {"steps": ()}))["steps"]
    decimals = _property(panel, name, "decimals")
    return Style(
        _property(panel, name, "unit") or defaults["unit"],
        defaults["decimals"] if decimals is None else decimals,
        steps,
    )


def _property(panel: Mapping[str, Any], name: str, key: str) -> Any:
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            for each in override["properties"]:
                if each["id"] == key:
                    return each["value"]
    return None


def _is_coloured(panel: Mapping[str, Any], name: str) -> bool:
    return _property(panel, name, "custom.cellOptions") is not None


def _linked(panel: Mapping[str, Any]) -> set[str]:
    return {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if any(each["id"] == "links" for each in override["properties"])
    }


CSS: Final = """
:root{--ground:#f4f5f5;--panel:#fff;--ink:#24292e;--faint:#6e7780;--line:#d8dbde;--link:#1f62e0}
.dark{--ground:#111217;--panel:#181b1f;--ink:#ccccdc;--faint:#8e8e9a;--line:#2c3235;--link:#6e9fff}
*{box-sizing:border-box} body{margin:16px;background:var(--ground);color:var(--ink);
font:13px/1.4 Inter,"Helvetica Neue",Arial,sans-serif;width:1536px}
h1{font-size:20px;margin:0} p{margin:4px 0;color:var(--faint)} nav{margin:8px 0}
nav span{background:var(--panel);border:1px solid var(--line);padding:3px 8px;margin-right:6px}
main{display:grid;grid-template-columns:repeat(24,1fr);grid-auto-rows:30px;gap:8px}
h2{font-size:15px;margin:0;align-self:center} section{background:var(--panel);
border:1px solid var(--line);border-radius:2px;padding:6px 8px;overflow:hidden;display:flex;
flex-direction:column} h3{font-size:13px;font-weight:500;margin:0 0 4px;white-space:nowrap}
.stat{flex:1;display:flex;justify-content:space-evenly;align-items:center;gap:10px;flex-wrap:wrap}
.stat b{display:block;font-size:22px;font-weight:500} .stat i{font-style:normal;color:var(--faint)}
.scroll{overflow:hidden;flex:1} table{border-collapse:collapse;width:100%}
td,th{padding:4px 8px;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
th{color:var(--link);font-weight:500} a{color:var(--link)} .number{text-align:right}
.bar{width:50%} .bar div{height:14px} svg{width:100%;flex:1;min-height:0}
svg text{fill:var(--faint);font-size:11px} .grid{stroke:var(--line)} .band{fill:#8888;opacity:.35}
polyline{fill:none;stroke-width:2}
.mark{stroke:#37872d;stroke-dasharray:4 3;stroke-width:1.5} .empty{margin:auto}
@media (max-width:769px){body{width:auto;margin:8px} main{display:block}
section{margin-bottom:8px;min-height:110px} .scroll{overflow-x:auto;max-height:300px}
h2{margin:12px 0 6px}}
"""
