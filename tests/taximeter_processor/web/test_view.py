"""A page's address says everything that it shows, and leads back to it."""

from __future__ import annotations

from datetime import date, datetime, timezone
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.periods import midnight
from taximeter_processor.web.view import DIMENSIONS, PERIODS_DAYS, SORTS, View, parse

NOW = datetime(2026, 11, 18, 23, 30, tzinfo=timezone.utc)
UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def view(zone: timezone | ZoneInfo = UTC, **query: str) -> View:
    return parse(query, NOW, zone)


def test_today_is_that_of_the_zone() -> None:
    assert view().day == date(2026, 11, 18)
    assert view(BERLIN).day == date(2026, 11, 19)


def test_a_day_that_is_not_over_stands_against_the_same_hours() -> None:
    yesterday, last_week = view().same_time
    start = midnight(date(2026, 11, 17), UTC)
    assert (yesterday.start_us, yesterday.end_us) == (start, start + 23 * HOUR_US + HOUR_US // 2)
    assert last_week.start_us == start - 6 * DAY_US


def test_a_day_that_is_over_stands_against_whole_days() -> None:
    yesterday, _ = view(date="2026-11-10").same_time
    start = midnight(date(2026, 11, 9), UTC)
    assert (yesterday.start_us, yesterday.end_us) == (start, start + DAY_US)


def test_the_month_of_a_past_day_ends_with_it() -> None:
    month = view(date="2026-10-10").month
    assert month.start_us == midnight(date(2026, 10, 1), UTC)
    assert month.end_us == midnight(date(2026, 10, 11), UTC)


def test_a_day_on_which_clocks_go_back_has_25_hours() -> None:
    day = view(BERLIN, date="2026-10-25").today
    assert day.end_us - day.start_us == 25 * HOUR_US


def test_one_day_is_a_span_too() -> None:
    assert (view(days="1").span, view(days="7").span) == ("1 day", "7 days")
    one = view(days="1")
    assert one.period[1:] == one.today[1:]


def test_what_is_the_default_is_not_in_the_address() -> None:
    assert view().url("/") == "/"
    assert view(days="14", tenant="a&b").url("/costs") == "/costs?days=14&tenant=a%26b"


def test_a_filter_is_added_replaced_and_taken_away() -> None:
    filtered = view(feature="chat", tenant="acme")
    assert filtered.url("/", team="t") == "/?feature=chat&tenant=acme&team=t"
    assert filtered.url("/", tenant="x") == "/?feature=chat&tenant=x"
    assert filtered.url("/", tenant=None) == "/?feature=chat"
    assert filtered.url("/", where={}) == "/"


@given(
    day=st.dates(date(2000, 1, 1), date(2026, 11, 18)),
    days=st.sampled_from(PERIODS_DAYS),
    by=st.sampled_from(DIMENSIONS),
    sort=st.sampled_from(SORTS),
    ascending=st.booleans(),
    where=st.dictionaries(st.sampled_from(DIMENSIONS), st.text(min_size=1, max_size=128)),
)
def test_an_address_leads_to_the_view_it_was_made_from(**parts: object) -> None:
    made = View(now=NOW, zone=UTC, **parts)  # type: ignore[arg-type]
    try:
        query = dict(parse_qsl(urlsplit(made.url("/")).query, errors="strict"))
    except UnicodeError:
        return
    assert parse(query, NOW, UTC) == made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"date": "2026-11-19"}, "a day from 2000-01-01 to today, 2026-11-18"),
        ({"date": "1999-12-31"}, "a day from 2000-01-01"),
        ({"date": "x"}, "a day such as 2026-11-01"),
        ({"days": "0"}, "a whole number from 1 to 90"),
        ({"days": "91"}, "a whole number from 1 to 90"),
        ({"days": "\N{SUPERSCRIPT TWO}0"}, "a whole number from 1 to 90"),
        ({"by": "cost_usd"}, "one of feature, tenant"),
        ({"sort": "1; drop table calls"}, "one of period, today"),
        ({"order": "up"}, "one of desc, asc"),
        ({"status": "lost"}, "one of priced, unpriced"),
        ({"tenant": "x" * 129}, "at most 128"),
    ],
)
def test_a_wrong_choice_is_told_what_was_expected(query: dict[str, str], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse(query, NOW, UTC)
