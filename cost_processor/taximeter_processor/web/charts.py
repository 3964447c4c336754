"""Turns a cost series by day into the geometry of a stacked bar chart, in whole SVG units.

Behind the bars lies the band in which each day's sum would be normal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from taximeter_processor.formats import cents, day_name
from taximeter_processor.reports.trend import Band

WIDTH: Final = 960
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 22, 12, 30
MOST_SERIES: Final = 6
OTHERS: Final = "all others"
_STEPS: Final = (1, 2, 5, 10)
_MOST_LINES: Final = 5
_MOST_DATES: Final = 9

Series = tuple[str, Sequence[int]]
"""A name and an amount for each day."""


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
class Normal:
    """The band of one day."""

    x: int
    y: int
    width: int
    height: int


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
    normals: tuple[Normal, ...] = ()
    bottom: int = HEIGHT - _BOTTOM
    left: int = _LEFT
    width: int = WIDTH
    height: int = HEIGHT


def stacked_bars(
    days: Sequence[date], series: Sequence[Series], bands: Sequence[Band | None] = ()
) -> Chart:
    """A bar a day of the dearest series, the rest together; amounts are pico-USD, not negative.

    Each series has one amount for each day, and so have the bands. There is at least one day. What
    is called `OTHERS` is the rest already.
    """
    shown = _largest(series)
    highest = max(
        *(sum(values[index] for _, values in shown) for index in range(len(days))),
        *(band.high for band in bands if band),
        0,
    )
    step = _nice_step(highest)
    top = step * max(1, -(-highest // step))
    plot = WIDTH - _LEFT - _RIGHT
    edges = [_LEFT + plot * index // len(days) for index in range(len(days) + 1)]
    segments = [
        segment
        for index, day in enumerate(days)
        for segment in _bar(
            day_name(day),
            [(name, values[index]) for name, values in shown],
            edges[index : index + 2],
            top,
        )
    ]
    return Chart(
        segments=tuple(segments),
        amounts=tuple(
            Mark(_height_at(amount, top), cents(amount)) for amount in range(0, top + 1, step)
        ),
        dates=_date_marks(days, edges),
        keys=tuple(
            Key(MOST_SERIES if name == OTHERS else color, name, sum(values))
            for color, (name, values) in enumerate(shown)
        ),
        normals=tuple(
            _normal(band, edges[index : index + 2], top)
            for index, band in enumerate(bands)
            if band is not None
        ),
    )


def _largest(series: Sequence[Series]) -> list[Series]:
    """The dearest few, dearest first, and the rest as one."""
    ranked = sorted(series, key=lambda item: (item[0] == OTHERS, -sum(item[1]), item[0]))
    # What has no cost, free or without a price, has no place in a drawing of costs.
    ranked = [item for item in ranked if sum(item[1])]
    shown, rest = ranked[:MOST_SERIES], [values for _, values in ranked[MOST_SERIES:]]
    return [*shown, (OTHERS, [sum(day) for day in zip(*rest, strict=True)])] if rest else shown


def _bar(
    day: str, amounts: Sequence[tuple[str, int]], edges: Sequence[int], top: int
) -> Iterator[Segment]:
    """The segments of one day, from the bottom up."""
    left, right = edges
    width = max(1, (right - left) * 5 // 6)
    below = 0
    for color, (name, amount) in enumerate(amounts):
        lower, upper = _height_at(below, top), _height_at(below + amount, top)
        below += amount
        if amount:
            title = f"{day}: {name} {cents(amount)}"
            color = MOST_SERIES if name == OTHERS else color
            yield Segment(left, upper, width, lower - upper, color, title)


def _normal(band: Band, edges: Sequence[int], top: int) -> Normal:
    """As wide as the day, so that neighbours touch."""
    upper, lower = _height_at(band.high, top), _height_at(band.low, top)
    return Normal(edges[0], upper, edges[1] - edges[0], max(1, lower - upper))


def _date_marks(days: Sequence[date], edges: Sequence[int]) -> tuple[Mark, ...]:
    """Some days by name, today among them."""
    every = -(-len(days) // _MOST_DATES)
    return tuple(
        Mark((edges[index] + edges[index + 1]) // 2, f"{day.day} {day:%b}")
        for index, day in enumerate(days)
        if (len(days) - 1 - index) % every == 0
    )


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
