"""Cuts a stretch of time into the hours, days, weeks or months of a zone, without gap or overlap.

A bucket begins where the local clock says so: a day has 23 or 25 hours when clocks change, and the
two hours of one name in autumn are two buckets.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta, tzinfo
from typing import Final, Literal, NamedTuple, get_args

from taximeter_processor.periods import from_us, midnight

Interval = Literal["total", "hour", "day", "week", "month"]
INTERVALS: Final[tuple[Interval, ...]] = get_args(Interval)
MOST_BUCKETS: Final = 1000
_SECOND_US: Final = 1_000_000
_HOUR_US: Final = 3600 * _SECOND_US


class Bucket(NamedTuple):
    """One piece of the range, µs UTC, half open; `label` names the whole hour, day, … it is of."""

    label: str
    start_us: int
    end_us: int


def buckets(interval: Interval, start_us: int, end_us: int, zone: tzinfo) -> list[Bucket]:
    """The pieces of [start, end), oldest first: each begins where the one before it ends.

    Raises `ValueError` for more than `MOST_BUCKETS`.
    """
    if interval == "total":
        return [Bucket("", start_us, end_us)]
    begins = _hours(start_us, zone) if interval == "hour" else _dates(interval, start_us, zone)
    found: list[Bucket] = []
    label, begin = next(begins)
    while begin < end_us:
        following, end = next(begins)
        first, last = max(begin, start_us), min(end, end_us)
        # A zone may skip a day, or say a minute too early that one began.
        if first < last:
            found.append(Bucket(label, first, last))
        if len(found) > MOST_BUCKETS:
            raise ValueError(
                f"interval={interval}: expected a range of at most {MOST_BUCKETS} {interval}s"
            )
        label, begin = following, end
    return found


def _hours(start_us: int, zone: tzinfo) -> Iterator[tuple[str, int]]:
    """(local time with its offset, µs) of every full hour and change of clocks, from `start` on."""
    local = from_us(start_us).astimezone(zone)
    into_hour = (local.minute * 60 + local.second) * _SECOND_US + local.microsecond
    begin = start_us - into_hour
    if (change := _change(begin, start_us, zone)) is not None:
        begin = change
    while True:
        local = from_us(begin).astimezone(zone)
        yield local.isoformat(timespec="minutes"), begin
        following = begin + _HOUR_US - (local.minute * 60 + local.second) * _SECOND_US
        change = _change(begin, following, zone)
        begin = following if change is None else change


def _change(after_us: int, until_us: int, zone: tzinfo) -> int | None:
    """When clocks change in (after, until], if they do; changes fall on whole seconds."""

    def offset(us: int) -> timedelta | None:
        return from_us(us).astimezone(zone).utcoffset()

    if offset(after_us) == offset(until_us):
        return None
    before, changed = after_us // _SECOND_US, until_us // _SECOND_US
    while changed - before > 1:
        middle = (before + changed) // 2
        if offset(middle * _SECOND_US) == offset(after_us):
            before = middle
        else:
            changed = middle
    return changed * _SECOND_US


def _dates(interval: Interval, start_us: int, zone: tzinfo) -> Iterator[tuple[str, int]]:
    """(name, µs) of the first midnight of each day, week or month, from `start`'s on."""
    # A day earlier: where clocks go back over midnight, a day begins before its eve has ended.
    day = _first(interval, from_us(start_us).astimezone(zone).date() - timedelta(days=1))
    while True:
        yield (f"{day:%Y-%m}" if interval == "month" else day.isoformat()), midnight(day, zone)
        step = {"day": 1, "week": 7, "month": 31}[interval]
        day = _first(interval, day + timedelta(days=step))


def _first(interval: Interval, day: date) -> date:
    """The first day of the week (Monday) or month that a day is in."""
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day
