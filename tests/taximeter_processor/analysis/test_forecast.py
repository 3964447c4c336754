from __future__ import annotations

from taximeter_processor.analysis.forecast import DAY_US, Forecast, at_the_end, since_first

WEEK = [10, 20, 30, 40, 50, 60, 70]
"""Mean 40, standard deviation 21.6025."""


def test_every_day_left_costs_the_mean_of_the_last_seven() -> None:
    # 500 + 2.5 × 40; days before the last seven do not count.
    found = at_the_end(500, [9_000, *WEEK], 5 * DAY_US // 2)
    assert found is not None
    assert found.p50 == 600


def test_the_ninth_decile_grows_with_the_spread_of_days_and_the_time_left() -> None:
    # 1.28155 × 21.6025 × √(7 + 49/7) = 103.59.
    assert at_the_end(0, WEEK, 7 * DAY_US) == Forecast(280, 384)


def test_days_that_are_all_alike_leave_no_doubt() -> None:
    assert at_the_end(100, [40] * 7, 2 * DAY_US) == Forecast(180, 180)


def test_at_the_end_of_the_period_the_forecast_is_what_was_spent() -> None:
    assert at_the_end(500, WEEK, 0) == Forecast(500, 500)


def test_before_a_week_has_passed_there_is_a_mean_and_no_band() -> None:
    assert at_the_end(0, [30, 50], DAY_US) == Forecast(40, None)


def test_without_one_whole_day_nothing_is_foretold() -> None:
    assert at_the_end(500, [], DAY_US) is None


def test_days_before_the_first_spend_are_not_learnt_from() -> None:
    assert since_first([0, 0, 5, 0, 7]) == [5, 0, 7]
    assert since_first([0, 0]) == []
