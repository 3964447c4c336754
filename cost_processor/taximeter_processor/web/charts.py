"""Turns a cost series by day into the geometry of a stacked bar chart, in whole SVG units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from taximeter_processor.web.formats import cents, day_name

WIDTH: Final = 960
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 4, 12, 30
MOST_SERIES: Final = 6
OTHERS: Final = "all others"
_STEPS: Final = (1, 2, 5, 10)
_MOST_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Segment:
    """One series on one day."""

    x: int
    y: int
    width: int
    height: int
    color: int
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label and where it stands on its axis."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the legend."""

    color: int
    name: str
    total_pico: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything a template draws."""

    segments: tuple[Segment, ...]
    amounts: tuple[Mark, ...]
    """Horizontal lines, from 0 up."""
    dates: tuple[Mark, ...]
    keys: tuple[Key, ...]
    bottom: int = HEIGHT - _BOTTOM
    left: int = _LEFT
    width: int = WIDTH
    height: int = HEIGHT


def stacked_bars(days: Sequence[date], series: Mapping[str, Sequence[int]]) -> Chart:
    """A bar a day of the dearest series, the rest together; amounts are pico-USD, not negative.

    `days` holds one day at least.
    """
    shown = _largest(series)
    totals = [sum(values[index] for values in shown.values()) for index in range(len(days))]
    step = _nice_step(max(totals, default=0))
    top = step * max(1, -(-max(totals, default=0) // step))
    edges = [
        _LEFT + (WIDTH - _LEFT - _RIGHT) * index // len(days) for index in range(len(days) + 1)
    ]
    segments = [
        segment for index, day in enumerate(days) for segment in _bar(day, index, edges[index : index + 2], top, shown)
    ]
    every = -(-len(days) // 9)
    return Chart(
        segments=tuple(segments),
        amounts=tuple(
            Mark(_height_at(amount, top), cents(amount)) for amount in range(0, top + 1, step)
        ),
        dates=tuple(
            Mark((edges[index] + edges[index + 1]) // 2, f"{day.day} {day:%b}")
            for index, day in enumerate(days)
            if (len(days) - 1 - index) % every == 0
        ),
        keys=tuple(
            Key(color, name, sum(values)) for color, (name, values) in enumerate(shown.items())
        ),
    )


def _largest(series: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """The dearest few by name, dearest first, and the rest as one."""
    ranked = sorted(series.items(), key=lambda item: (-sum(item[1]), item[0]))
    named = [item for item in ranked[:MOST_SERIES] if sum(item[1])]
    rest = [values for _, values in ranked[MOST_SERIES:]]
    shown = dict(named)
    if rest and any(map(sum, rest)):
        shown[OTHERS] = [sum(day) for day in zip(*rest, strict=True)]
    return shown


def _bar(
    day: date, index: int, edges: Sequence[int], top: int, shown: Mapping[str, Sequence[int]]
) -> list[Segment]:
    left, right = edges
    width = max(1, (right - left) * 5 // 6)
    segments, below = [], 0
    for color, (name, values) in enumerate(shown.items()):
        amount = values[index]
        if not amount:
            continue
        lower, upper = _height_at(below, top), _height_at(below + amount, top)
        below += amount
        title = f"{day_name(day)}: {name} {cents(amount)}"
        segments.append(Segment(left, upper, width, lower - upper, color, title))
    return segments


def _height_at(amount: int, top: int) -> int:
    """The y of an amount."""
    bottom = HEIGHT - _BOTTOM
    return bottom - amount * (bottom - _TOP) // top


def _nice_step(highest: int) -> int:
    """The smallest of 1, 2, 5 times a power of ten that needs few lines; at least a cent."""
    power = 10**10
    while True:
        for factor in _STEPS:
            if highest <= factor * power * _MOST_LINES:
                return factor * power
        power *= 10
