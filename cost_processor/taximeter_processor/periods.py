"""Days, weeks and months of the reporting zone as µs of UTC; a day's boundary is decided here."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Final

from taximeter_processor.ledger.queries import EVER, Window

_RELATIVE: Final = re.compile(r"^(\d{1,9})([mhdw])$")
_UNIT_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def to_us(moment: datetime) -> int:
    """µs since the epoch of an aware time, in integers."""
    delta = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(us: int) -> datetime:
    """An aware UTC time of µs since the epoch."""
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=us)


def parse_iso(text: str) -> int:
    """µs of an ISO 8601 time with its zone. Raises `ValueError`."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no zone: expected a time such as 2026-11-01T08:00:00Z")
    return to_us(moment)


def midnight(day: date, zone: tzinfo) -> int:
    """When a day begins in a zone, µs UTC."""
    return to_us(datetime.combine(day, time(), tzinfo=zone))


def windows(now: datetime, zone: tzinfo) -> list[Window]:
    """today, yesterday, month and last_month around `now`."""
    today = now.astimezone(zone).date()
    month = today.replace(day=1)
    last_month = (month - timedelta(days=1)).replace(day=1)
    tomorrow = midnight(today + timedelta(days=1), zone)
    return [
        Window("today", midnight(today, zone), tomorrow),
        Window("yesterday", midnight(today - timedelta(days=1), zone), midnight(today, zone)),
        Window("month", midnight(month, zone), tomorrow),
        Window("last_month", midnight(last_month, zone), midnight(month, zone)),
    ]


def month_window(month: str, zone: tzinfo) -> Window:
    """A calendar month such as `2026-10`. Raises `ValueError` when it is none."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise ValueError(f"{month!r} is no month: expected one such as 2026-10") from error
    following = (first + timedelta(days=31)).replace(day=1)
    return Window(month, midnight(first, zone), midnight(following, zone))


def same_time_windows(now: datetime, zone: tzinfo) -> list[Window]:
    """yesterday and last_week, each from midnight to this time of day."""
    local = now.astimezone(zone)
    found = []
    for name, days in (("yesterday", 1), ("last_week", 7)):
        day = local.date() - timedelta(days=days)
        until = to_us(datetime.combine(day, local.time(), tzinfo=zone))
        found.append(Window(name, midnight(day, zone), until))
    return found


def period_start(period: str, now: datetime, zone: tzinfo) -> int:
    """When the current `day`, `week` (Monday) or `month` began, µs UTC."""
    today = now.astimezone(zone).date()
    first = {
        "day": today,
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
    }[period]
    return midnight(first, zone)


def period_end(period: str, now: datetime, zone: tzinfo) -> int:
    """When the current `day`, `week` or `month` is over, µs UTC."""
    today = now.astimezone(zone).date()
    following = {
        "day": today + timedelta(days=1),
        "week": today + timedelta(days=7 - today.weekday()),
        "month": (today.replace(day=1) + timedelta(days=31)).replace(day=1),
    }[period]
    return midnight(following, zone)


def day_bounds(days: int, now: datetime, zone: tzinfo) -> list[int]:
    """The midnights around the last `days` days, today last, oldest first: `days + 1` of them."""
    today = now.astimezone(zone).date()
    return [midnight(today - timedelta(days=back), zone) for back in range(days - 1, -2, -1)]


def parse_moment(text: str, now: datetime, zone: tzinfo) -> int:
    """`7d`, `12h`, `today`, `2026-11-01` or ISO 8601 as µs UTC; dates are days of the zone.

    Raises `ValueError` that says what is accepted.
    """
    found = _moment(text, now, zone)
    if not EVER.start_us <= found <= EVER.end_us:
        raise ValueError(f"{text!r} is out of reach: expected a time from 1970 to 9998")
    return found


def _moment(text: str, now: datetime, zone: tzinfo) -> int:
    if match := _RELATIVE.match(text):
        seconds = int(match[1]) * _UNIT_SECONDS[match[2]]
        return to_us(now) - seconds * 1_000_000
    if text == "now":
        return to_us(now)
    if text in ("today", "yesterday"):
        back = timedelta(days=text == "yesterday")
        return midnight(now.astimezone(zone).date() - back, zone)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no time: expected 7d, 12h, today, 2026-11-01 or 2026-11-01T08:00Z"
        ) from error
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=zone))
