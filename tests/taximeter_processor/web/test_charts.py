"""Bars stand on each other, in proportion, inside the drawing."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.web.charts import HEIGHT, OTHERS, WIDTH, stacked_bars

USD = 10**12
DAYS = [date(2026, 11, 1) + timedelta(days=index) for index in range(4)]


def test_a_bar_is_as_high_as_its_part_of_the_axis() -> None:
    chart = stacked_bars(DAYS, [("chat", [5 * USD, 10 * USD, 0, 0])])
    half, full = chart.segments
    top = chart.amounts[-1]
    assert top.text == "$10.00"
    assert full.y == top.at
    assert half.height * 2 == full.height == chart.bottom - top.at


def test_series_stand_on_each_other_the_dearest_below() -> None:
    chart = stacked_bars(DAYS, [("small", [USD, 0, 0, 0]), ("large", [3 * USD, 0, 0, 0])])
    large, small = chart.segments
    assert [key.name for key in chart.keys] == ["large", "small"]
    assert large.y + large.height == chart.bottom
    assert small.y + small.height == large.y


def test_a_segment_says_day_name_and_amount() -> None:
    (segment,) = stacked_bars(DAYS, [("chat", [0, 0, 4_210_000_000_000, 0])]).segments
    assert segment.title == "Tue 3 Nov: chat $4.21"


def test_the_seventh_series_and_on_are_shown_together() -> None:
    series = [(f"tenant-{number}", [number * USD, 0, 0, 0]) for number in range(1, 10)]
    keys = stacked_bars(DAYS, series).keys
    assert [key.name for key in keys[:2]] == ["tenant-9", "tenant-8"]
    assert (keys[-1].name, keys[-1].total_pico) == (OTHERS, (1 + 2 + 3) * USD)


def test_the_last_day_is_always_named() -> None:
    days = [date(2026, 9, 26) + timedelta(days=index) for index in range(60)]
    assert stacked_bars(days, []).dates[-1].text == "24 Nov"


def test_what_costs_nothing_is_not_drawn() -> None:
    assert stacked_bars(DAYS, [("unpriced", [0, 0, 0, 0])]).keys == ()


def test_days_without_cost_leave_an_axis() -> None:
    chart = stacked_bars(DAYS, [])
    assert chart.segments == ()
    assert [mark.text for mark in chart.amounts] == ["$0.00", "$0.01"]


@given(
    st.lists(st.lists(st.integers(0, 10**18), min_size=4, max_size=4), max_size=9),
)
def test_everything_is_drawn_inside(values: list[list[int]]) -> None:
    chart = stacked_bars(DAYS, [(str(index), amounts) for index, amounts in enumerate(values)])
    assert len(chart.amounts) <= 7
    for segment in chart.segments:
        assert 0 <= segment.x <= segment.x + segment.width <= WIDTH
        assert 0 <= segment.y <= segment.y + segment.height <= HEIGHT
