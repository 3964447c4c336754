"""What a weekday normally costs, and where a month ends, in whole numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.reports.trend import DAY_US, Band, month_end, normal_band


def weeks(*amounts: int) -> list[int]:
    """One day of each week costs the amount, the others nothing; the last is today."""
    return [cost for amount in amounts for cost in (amount, *[0] * 6)][: 7 * len(amounts) - 6]


def test_the_band_is_the_median_and_4448_deviations_of_the_same_weekday() -> None:
    # Median of 100, 110, 120, 130 is 115, of the distances 15, 5, 5, 15 it is 10.
    days = weeks(100, 110, 120, 130, 999)
    assert normal_band(days, 28) == Band(115 - 44, 115 + 44)


def test_a_steady_day_has_a_fifth_on_either_side() -> None:
    assert normal_band(weeks(100, 100, 100, 100), 21) == Band(80, 120)


def test_one_burst_does_not_widen_the_band() -> None:
    assert normal_band(weeks(100, 100, 10_000, 100, 100), 28) == Band(80, 120)


def test_two_weeks_are_too_few_to_know_what_is_normal() -> None:
    assert normal_band(weeks(100, 100, 100), 14) is None


@given(st.lists(st.integers(0, 10**18), min_size=22, max_size=60))
def test_a_band_is_never_below_nothing_nor_upside_down(days: list[int]) -> None:
    band = normal_band(days, len(days) - 1)
    assert band is not None
    assert 0 <= band.low <= band.high


def test_a_month_ends_with_seven_days_pace() -> None:
    # 70 in 7 days is 10 a day, for the 5 and a half that are left.
    assert month_end(100, 70, 7, 11 * DAY_US // 2) == 155


def test_a_ledger_of_two_days_has_their_pace() -> None:
    assert month_end(25, 20, 2, DAY_US) == 35


def test_nothing_is_added_to_a_month_that_is_over() -> None:
    assert month_end(100, 70, 7, 0) == 100


def test_before_the_first_whole_day_there_is_no_pace() -> None:
    assert month_end(5, 0, 0, 20 * DAY_US) is None
