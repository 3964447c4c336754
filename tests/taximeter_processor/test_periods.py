"""Days belong to the reporting time zone, and add up across daylight saving."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.periods import (
    day_bounds,
    from_us,
    parse_moment,
    period_end,
    period_start,
    same_time_windows,
    to_us,
    windows,
)

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_US = 3_600_000_000


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


def test_today_begins_at_the_zone_s_midnight() -> None:
    today = windows(utc(2026, 11, 23, 23, 30), BERLIN)[0]
    assert from_us(today.start_us) == utc(2026, 11, 23, 23)  # 00:30 on the 24th in Berlin
    assert from_us(today.end_us) == utc(2026, 11, 24, 23)


def test_the_day_the_clocks_go_back_has_25_hours() -> None:
    today = windows(utc(2026, 10, 25, 12), BERLIN)[0]
    assert today.end_us - today.start_us == 25 * HOUR_US


def test_last_month_ends_where_this_month_begins() -> None:
    _, _, month, last_month = windows(utc(2026, 1, 15), timezone.utc)
    assert from_us(last_month.start_us) == utc(2025, 12, 1)
    assert last_month.end_us == month.start_us == to_us(utc(2026, 1, 1))


def test_the_same_time_of_day_is_local_time_across_daylight_saving() -> None:
    # Monday 26 October, 10:00 in Berlin is 09:00 UTC; a week before it was 08:00 UTC.
    week = same_time_windows(utc(2026, 10, 26, 9), BERLIN)[1]
    assert from_us(week.end_us) == utc(2026, 10, 19, 8)


@pytest.mark.parametrize(
    ("period", "start"),
    [("day", (2026, 11, 25)), ("week", (2026, 11, 23)), ("month", (2026, 11, 1))],
)
def test_a_period_begins_at_midnight_on_its_first_day(
    period: str, start: tuple[int, int, int]
) -> None:
    now = utc(2026, 11, 25, 17)
    assert from_us(period_start(period, now, timezone.utc)) == utc(*start)


@given(st.integers(1_700_000_000, 1_900_000_000), st.integers(1, 400))
def test_days_touch_and_end_tomorrow_at_midnight(seconds: int, days: int) -> None:
    now = from_us(seconds * 1_000_000)
    bounds = day_bounds(days, now, BERLIN)
    assert len(bounds) == days + 1
    assert bounds == sorted(set(bounds))
    assert bounds[-2] <= to_us(now) < bounds[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", utc(2026, 11, 17, 12)),
        ("90m", utc(2026, 11, 24, 10, 30)),
        ("today", utc(2026, 11, 23, 23)),
        ("2026-11-01", utc(2026, 10, 31, 23)),
        ("2026-11-01T08:00Z", utc(2026, 11, 1, 8)),
    ],
)
def test_moments_are_read_in_the_zone(text: str, expected: datetime) -> None:
    assert from_us(parse_moment(text, utc(2026, 11, 24, 12), BERLIN)) == expected


@pytest.mark.parametrize("text", ["900000d", "999999999w", "0001-01-01", "9999-12-31"])
def test_a_moment_out_of_reach_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is out of reach"):
        parse_moment(text, utc(2026, 11, 24), timezone.utc)


def test_a_moment_that_is_none_says_what_is_accepted() -> None:
    with pytest.raises(ValueError, match="expected 7d, 12h, today"):
        parse_moment("soon", utc(2026, 11, 24), BERLIN)


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("day", utc(2026, 11, 24, 23)),
        ("week", utc(2026, 11, 29, 23)),
        ("month", utc(2026, 11, 30, 23)),
    ],
)
def test_a_period_is_over_at_a_midnight_of_the_zone(period: str, end: datetime) -> None:
    assert from_us(period_end(period, utc(2026, 11, 24, 12), BERLIN)) == end


def test_a_month_of_31_days_and_the_last_of_the_year_end_in_the_next() -> None:
    assert from_us(period_end("month", utc(2026, 12, 31, 12), timezone.utc)) == utc(2027, 1, 1)
    assert from_us(period_end("month", utc(2026, 1, 31, 12), timezone.utc)) == utc(2026, 2, 1)
