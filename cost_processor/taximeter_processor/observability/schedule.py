"""Turns working hours and rotas into Alertmanager's time intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

from taximeter_processor.people import WEEKDAYS, Rota, WorkingHours

Intervals = list[dict[str, object]]
PLANNED_YEARS: Final = 2


def off_hours(hours: WorkingHours) -> Intervals:
    """Every moment that is no working hour."""
    free = [day for day in WEEKDAYS if day not in hours.days]
    zone = {"location": hours.timezone}
    found: Intervals = [{"weekdays": list(free), **zone}] if free else []
    edges = [("00:00", hours.start), (hours.end, "24:00")]
    times = [{"start_time": start, "end_time": end} for start, end in edges if start != end]
    if times:
        found.append({"times": times, "weekdays": list(hours.days), **zone})
    return found


def planned(rota: Rota, year: int) -> Intervals:
    """The years for which turns are laid out."""
    return [{"years": [f"{year}:{year + PLANNED_YEARS - 1}"], "location": rota.timezone}]


def turns(rota: Rota, year: int) -> Mapping[str, Intervals]:
    """The days of each person of a rota, in this year and the next."""
    first, last = date(year, 1, 1), date(year + PLANNED_YEARS - 1, 12, 31)
    days: dict[str, list[date]] = {person: [] for person in rota.persons}
    for count in range((last - first).days + 1):
        day = first + timedelta(days=count)
        days[rota.on_duty(day)].append(day)
    return {person: _intervals(found, rota.timezone) for person, found in days.items()}


def _intervals(days: Iterable[date], zone: str) -> Intervals:
    """One interval a month: its days as ranges."""
    months: dict[tuple[int, int], list[int]] = {}
    for day in days:
        months.setdefault((day.year, day.month), []).append(day.day)
    return [
        {
            "years": [str(year)],
            "months": [str(month)],
            "days_of_month": _ranges(found),
            "location": zone,
        }
        for (year, month), found in months.items()
    ]


def _ranges(days: list[int]) -> list[str]:
    """Ascending days as `first:last`."""
    ranges: list[tuple[int, int]] = []
    for day in days:
        if ranges and day == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return [f"{first}:{last}" for first, last in ranges]
