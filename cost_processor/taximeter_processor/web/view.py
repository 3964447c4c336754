"""Turns a page's URL into what it shows, and back: the day, the days before it, filters, order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Final
from urllib.parse import urlencode

from taximeter_processor.ledger.queries import Window
from taximeter_processor.periods import midnight, same_time_windows, windows

DIMENSIONS: Final = ("feature", "tenant", "team", "request_type", "model", "environment")
STATUSES: Final = ("priced", "unpriced", "failed", "cached")
PERIODS_DAYS: Final = (7, 14, 30, 60, 90)
SORTS: Final = ("period", "today", "change", "name")
DEFAULT_DAYS: Final = 30
MOST_CHARACTERS: Final = 128
_EARLIEST: Final = date(2000, 1, 1)


@dataclass(frozen=True)
class View:
    """What is looked at: everything that the URL of a page says."""

    now: datetime
    """Aware; the true time."""
    zone: tzinfo
    day: date
    """The day shown, in the zone."""
    days: int = DEFAULT_DAYS
    """How many days up to it are summed."""
    by: str = "feature"
    sort: str = "period"
    ascending: bool = False
    where: Mapping[str, str] = field(default_factory=dict)
    """Filters: dimension, or `status`, to value."""

    @property
    def span(self) -> str:
        """`30 days`."""
        return "1 day" if self.days == 1 else f"{self.days} days"

    @property
    def is_today(self) -> bool:
        """The day is not over."""
        return self.day == self.now.astimezone(self.zone).date()

    @property
    def day_before(self) -> date:
        """The day before the one shown."""
        return self.day - timedelta(days=1)

    @property
    def day_after(self) -> date:
        """The day after it, which is tomorrow when today is shown."""
        return self.day + timedelta(days=1)

    @property
    def moment(self) -> datetime:
        """A time on the day: now, or noon of a day that is over."""
        return self.now if self.is_today else datetime.combine(self.day, time(12), self.zone)

    @property
    def today(self) -> Window:
        """The day, from midnight to midnight."""
        return windows(self.moment, self.zone)[0]

    @property
    def period(self) -> Window:
        """The last `days` days with the day shown."""
        return self.last("period", self.days, 0)

    @property
    def month(self) -> Window:
        """The day's month, up to the end of the day."""
        return windows(self.moment, self.zone)[2]

    @property
    def last_month(self) -> Window:
        """The whole month before."""
        return windows(self.moment, self.zone)[3]

    @property
    def same_time(self) -> tuple[Window, Window]:
        """yesterday and last_week, up to this time of day; whole when the day is over."""
        if self.is_today:
            yesterday, last_week = same_time_windows(self.now, self.zone)
            return yesterday, last_week
        return (self._day("yesterday", 1), self._day("last_week", 7))

    def last(self, name: str, days: int, back: int) -> Window:
        """`days` days that end `back` days before the day shown does."""
        end = self.day + timedelta(days=1 - back)
        first = end - timedelta(days=days)
        return Window(name, midnight(first, self.zone), midnight(end, self.zone))

    def _day(self, name: str, back: int) -> Window:
        return self.last(name, 1, back)

    def url(self, path: str = "/", **changes: Any) -> str:
        """The address of this view with some of it changed; a filter of None is left out.

        Keys that are no filter and no part of the view are passed on as they are.
        """
        own = {key: changes.pop(key) for key in list(changes) if key in _OWN}
        view = replace(self, **own) if own else self
        filters = {**view.where}
        for key in list(changes):
            if key in _FILTERS:
                value = changes.pop(key)
                filters.pop(key, None)
                if value is not None:
                    filters[key] = value
        query: dict[str, object] = {
            "date": "" if view.is_today else view.day.isoformat(),
            "days": view.days if view.days != DEFAULT_DAYS else "",
            "by": view.by if view.by != "feature" else "",
            "sort": view.sort if view.sort != "period" else "",
            "order": "asc" if view.ascending else "",
            **{name: filters[name] for name in _FILTERS if name in filters},
            **{key: value for key, value in changes.items() if value is not None},
        }
        text = urlencode({key: value for key, value in query.items() if value != ""})
        return f"{path}?{text}" if text else path


_OWN: Final = frozenset({"day", "days", "by", "sort", "ascending", "where"})
_FILTERS: Final = (*DIMENSIONS, "status")


def parse(query: Mapping[str, str], now: datetime, zone: tzinfo) -> View:
    """The view of a query string. Raises `ValueError` saying what was expected."""
    today = now.astimezone(zone).date()
    return View(
        now=now.astimezone(timezone.utc),
        zone=zone,
        day=_day_of(query.get("date", ""), today),
        days=_days_of(query.get("days", "")),
        by=_choice(query, "by", DIMENSIONS),
        sort=_choice(query, "sort", SORTS),
        ascending=_choice(query, "order", ("desc", "asc")) == "asc",
        where=_filters(query),
    )


def _choice(query: Mapping[str, str], name: str, accepted: tuple[str, ...]) -> str:
    """One of the accepted values; the first when none is named."""
    found = query.get(name) or accepted[0]
    if found not in accepted:
        raise ValueError(f"{name} is {found[:40]!r}: expected one of {', '.join(accepted)}")
    return found


def _day_of(text: str, today: date) -> date:
    if not text:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"date is {text[:40]!r}: expected a day such as 2026-11-01") from error
    if not _EARLIEST <= day <= today:
        raise ValueError(f"date is {text}: expected a day from {_EARLIEST} to today, {today}")
    return day


def _days_of(text: str) -> int:
    if not text:
        return DEFAULT_DAYS
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:4]) <= 90:
        raise ValueError(f"days is {text[:40]!r}: expected a whole number from 1 to 90")
    return int(text)


def _filters(query: Mapping[str, str]) -> dict[str, str]:
    """Filters that say something, in the order of the dimensions."""
    found = {name: query[name] for name in _FILTERS if query.get(name)}
    for name, value in found.items():
        if len(value) > MOST_CHARACTERS:
            raise ValueError(f"{name} has {len(value)} characters: expected at most 128")
    if "status" in found and found["status"] not in STATUSES:
        raise ValueError(
            f"status is {found['status'][:40]!r}: expected one of {', '.join(STATUSES)}"
        )
    return found
