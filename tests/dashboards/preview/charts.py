"""Turns series into an SVG chart: stacked bars or lines, a band, marks, axes and a legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from typing import Any, Final, NamedTuple

COLOURS: Final = (
    "#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0",
    "#37872d", "#fade2a",
)  # fmt: skip
_LEFT: Final = 62
_BOTTOM: Final = 44
_TOP: Final = 8
_DECADES: Final = 4
"""Of a logarithmic scale."""

Point = tuple[float, float]


class Line(NamedTuple):
    """A named series; `below` is the line down to which the ground is shaded."""

    name: str
    points: Sequence[Point]
    below: str = ""
    is_hairline: bool = False


class Frame(NamedTuple):
    """The size of a chart in pixels, its time from left to right in seconds, and its unit."""

    width: int
    height: int
    start: float
    end: float
    step: float
    shown: Callable[[float], str]
    is_logarithmic: bool = False


def chart(frame: Frame, lines: Sequence[Line], *, stacked: bool, marks: Mapping[float, str]) -> str:
    """The SVG; an empty one says so."""
    finite = [
        line._replace(points=[point for point in line.points if math.isfinite(point[1])])
        for line in lines
    ]
    if not any(line.points for line in finite):
        return '<p class="empty">No data</p>'
    place = _Place(frame, _highest(finite, stacked) or 1.0)
    body = [*_axes(place), *(_bars(place, finite) if stacked else _curves(place, finite))]
    for at, title in marks.items():
        if frame.start <= at <= frame.end:
            down = {"y1": _TOP, "y2": frame.height - _BOTTOM}
            note = _element("title", escape(title))
            body.append(_element("line", note, kind="mark", x1=place.x(at), x2=place.x(at), **down))
    body += _legend(frame, finite)
    return _element("svg", *body, viewBox=f"0 0 {frame.width} {frame.height}")


class _Place(NamedTuple):
    """Where times and values are, in pixels."""

    frame: Frame
    top: float

    def x(self, at: float) -> float:
        share = (at - self.frame.start) / (self.frame.end - self.frame.start)
        return _LEFT + share * (self.frame.width - _LEFT - 8)

    def y(self, value: float) -> float:
        inner = self.frame.height - _BOTTOM - _TOP
        share = value / self.top
        if self.frame.is_logarithmic:
            share = max(0.0, 1 + math.log10(max(share, 1e-9)) / _DECADES)
        return _TOP + inner * (1 - share / 1.05)

    def ticks(self) -> list[float]:
        """Values that get a line across."""
        if self.frame.is_logarithmic:
            return [self.top * 10.0**-power for power in range(_DECADES + 1)]
        return [self.top * step / 4 for step in range(5)]

    def path(self, points: Iterable[Point]) -> str:
        return " ".join(f"{self.x(at):.1f},{self.y(value):.1f}" for at, value in points)


def _element(name: str, *content: str, kind: str = "", **attributes: object) -> str:
    """One element; text is escaped by who gives it, `kind` is its class."""
    written = {"class": kind} if kind else {}
    for key, value in attributes.items():
        text = f"{value:.1f}" if isinstance(value, float) else str(value)
        written[key.replace("_", "-")] = text
    told = "".join(f' {key}="{escape(value)}"' for key, value in written.items())
    return f"<{name}{told}>{''.join(content)}</{name}>"


def _highest(lines: Sequence[Line], stacked: bool) -> float:
    if not stacked:
        return max(value for line in lines for _, value in line.points)
    sums: dict[float, float] = {}
    for line in lines:
        for at, value in line.points:
            sums[at] = sums.get(at, 0.0) + max(value, 0.0)
    return max(sums.values())


def _axes(place: _Place) -> list[str]:
    frame, found = place.frame, []
    for value in place.ticks():
        y = place.y(value)
        found.append(_element("line", kind="grid", x1=_LEFT, x2=frame.width - 8, y1=y, y2=y))
        told = escape(frame.shown(value))
        found.append(_element("text", told, x=_LEFT - 6, y=y + 4, text_anchor="end"))
    days = frame.end - frame.start > 2 * 86_400
    count = max(2, min(7, frame.width // 110))
    for step in range(count):
        at = frame.start + (frame.end - frame.start) * (step + 0.5) / count
        moment = datetime.fromtimestamp(at, timezone.utc)
        told = f"{moment:%m-%d}" if days else f"{moment:%H:%M}"
        y = frame.height - _BOTTOM + 16
        found.append(_element("text", told, x=place.x(at), y=y, text_anchor="middle"))
    return found


def _bars(place: _Place, lines: Sequence[Line]) -> list[str]:
    start, step = place.frame.start, place.frame.step
    width = max(1.0, (place.x(start + step) - place.x(start)) * 0.9)
    below: dict[float, float] = {}
    found = []
    for number, line in enumerate(lines):
        for at, value in line.points:
            base = below.get(at, 0.0)
            y = place.y(base + value)
            size: dict[str, Any] = {"x": place.x(at) - width / 2, "y": y, "width": width}
            height = place.y(base) - y
            if height > 0:
                found.append(_element("rect", **size, height=height, fill=_colour(number)))
            below[at] = base + value
    return found


def _curves(place: _Place, lines: Sequence[Line]) -> list[str]:
    by_name = {line.name: line for line in lines}
    found = []
    for number, line in enumerate(lines):
        if line.below and line.points:
            ground = [*line.points, *reversed(by_name[line.below].points)]
            found.append(_element("polygon", kind="band", points=place.path(ground)))
        for piece in _pieces(line.points, place.frame.step):
            if len(piece) == 1:
                ((at, value),) = piece
                dot: dict[str, Any] = {"cx": place.x(at), "cy": place.y(value), "r": 2}
                found.append(_element("circle", **dot, fill=_colour(number)))
            elif not line.is_hairline:
                path = place.path(piece)
                found.append(_element("polyline", points=path, stroke=_colour(number)))
    return found


def _pieces(points: Sequence[Point], step: float) -> list[list[Point]]:
    """Stretches without a gap."""
    found: list[list[Point]] = []
    for point in points:
        if found and point[0] - found[-1][-1][0] <= 1.5 * step:
            found[-1].append(point)
        else:
            found.append([point])
    return found


def _legend(frame: Frame, lines: Sequence[Line]) -> list[str]:
    found, left, y = [], 8.0, frame.height - 8
    for number, line in enumerate(lines):
        width = 22 + 6.4 * len(line.name)
        if left + width > frame.width:
            break
        colour = "#999" if line.is_hairline else _colour(number)
        found.append(_element("rect", x=left, y=y - 7, width=12, height=4, fill=colour))
        found.append(_element("text", escape(line.name), x=left + 16, y=y))
        left += width
    return found


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
