"""Hours, days, weeks and months of any zone lie side by side and add up, whatever clocks do."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.buckets import INTERVALS, Interval, buckets
from taximeter_processor.periods import to_us

HOUR_US = 3_600_000_000
ZONES = st.sampled_from(sorted(available_timezones()))
# 1972 to 2100: clocks have changed by whole days, by half hours and over midnight in between.
MOMENTS = st.integers(63_072_000_000_000, 4_102_444_800_000_000)


def us(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=timezone.utc))


def cut(interval: Interval, start: str, end: str, zone: str) -> list[tuple[str, float]]:
    """(label, hours) of each piece."""
    found = buckets(interval, us(start), us(end), ZoneInfo(zone))
    return [(piece.label, (piece.end_us - piece.start_us) / HOUR_US) for piece in found]


@given(ZONES, MOMENTS, st.integers(1, 40 * 24 * HOUR_US), st.sampled_from(INTERVALS))
@settings(deadline=None, max_examples=300)
def test_pieces_lie_side_by_side_from_the_start_to_the_end(
    zone: str, start: int, length: int, interval: Interval
) -> None:
    pieces = buckets(interval, start, start + length, ZoneInfo(zone))
    assert pieces[0].start_us == start
    assert pieces[-1].end_us == start + length
    assert all(a.end_us == b.start_us for a, b in zip(pieces, pieces[1:], strict=False))
    assert len({piece.label for piece in pieces}) == len(pieces)


@given(ZONES, MOMENTS, st.integers(1, 20 * 24 * HOUR_US), st.sampled_from(INTERVALS[1:]))
@settings(deadline=None, max_examples=200)
def test_a_longer_range_has_the_same_pieces(
    zone: str, start: int, length: int, interval: Interval
) -> None:
    here, whole = ZoneInfo(zone), start + 2 * length
    inner = buckets(interval, start + length // 2, start + length, here)
    outer = {piece.label: piece for piece in buckets(interval, start, whole, here)}
    for piece in inner[1:-1]:
        assert outer[piece.label] == piece


@pytest.mark.parametrize(
    ("date", "hours"), [("2026-03-29", 23.0), ("2026-03-30", 24.0), ("2026-10-25", 25.0)]
)
def test_a_day_in_berlin_is_as_long_as_its_clocks_say(date: str, hours: float) -> None:
    days = cut("day", f"{date}T00:00", f"{date}T12:00", "Europe/Berlin")
    whole = cut("day", "2026-03-01T00:00", "2026-11-01T00:00", "Europe/Berlin")
    assert days[0][0] == date
    assert dict(whole)[date] == hours


def test_the_hour_that_comes_twice_in_autumn_is_two_hours() -> None:
    assert cut("hour", "2026-10-25T00:00", "2026-10-25T03:00", "Europe/Berlin") == [
        ("2026-10-25T02:00+02:00", 1.0),
        ("2026-10-25T02:00+01:00", 1.0),
        ("2026-10-25T03:00+01:00", 1.0),
    ]


def test_hours_begin_where_the_local_clock_says() -> None:
    assert cut("hour", "2026-11-18T12:00", "2026-11-18T13:00", "Asia/Kolkata") == [
        ("2026-11-18T17:00+05:30", 0.5),
        ("2026-11-18T18:00+05:30", 0.5),
    ]


def test_clocks_that_change_by_half_an_hour_make_half_an_hour() -> None:
    # Lord Howe Island goes from 02:00 (+11:00) back to 01:30 (+10:30) on 5 April 2026, 15:00 UTC.
    assert cut("hour", "2026-04-04T14:00", "2026-04-04T16:30", "Australia/Lord_Howe") == [
        ("2026-04-05T01:00+11:00", 1.0),
        ("2026-04-05T01:30+10:30", 0.5),
        ("2026-04-05T02:00+10:30", 1.0),
    ]


def test_a_day_that_a_zone_left_out_is_no_day() -> None:
    labels = [
        label for label, _ in cut("day", "2011-12-29T12:00", "2012-01-01T12:00", "Pacific/Apia")
    ]
    assert labels == ["2011-12-29", "2011-12-31", "2012-01-01", "2012-01-02"]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    assert [label for label, _ in cut("week", "2026-11-18T00:00", "2026-11-25T00:00", "UTC")] == [
        "2026-11-16",
        "2026-11-23",
    ]
    assert [label for label, _ in cut("month", "2026-01-31T00:00", "2026-03-02T00:00", "UTC")] == [
        "2026-01",
        "2026-02",
        "2026-03",
    ]


def test_more_than_a_thousand_pieces_are_refused() -> None:
    assert len(cut("hour", "2026-01-01T00:00", "2026-02-11T16:00", "UTC")) == 1000
    with pytest.raises(ValueError, match="a range of at most 1000 hours"):
        cut("hour", "2026-01-01T00:00", "2026-02-11T16:01", "UTC")
