"""One period around every moment, and the same price all through it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.model import Unpriced
from taximeter_processor.pricing.timeline import (
    DAY_US,
    FOR_EVER_US,
    SINCE_EVER_US,
    Boundaries,
    Timeline,
)
from tests.taximeter_processor.pricing.calls import us

HOUR_US = DAY_US // 24
moments = st.integers(0, 10 * DAY_US)
boundaries = st.builds(
    lambda dates, times: Boundaries(tuple(sorted(dates)), tuple(sorted(times))),
    st.sets(st.integers(0, 9).map(lambda day: day * DAY_US), max_size=3),
    st.sets(st.integers(0, 23).map(lambda hour: hour * HOUR_US), max_size=4),
)


def test_without_boundaries_there_is_one_period() -> None:
    assert Boundaries().period(5)[:2] == (SINCE_EVER_US, FOR_EVER_US)


def test_a_period_is_cut_by_dates_and_by_times_of_day() -> None:
    nights = Boundaries((us("2026-06-01"),), (1 * HOUR_US, 4 * HOUR_US))
    assert nights.period(us("2026-05-31T23:00:00"))[:2] == (
        us("2026-05-31T04:00:00"),
        us("2026-06-01"),
    )
    assert nights.period(us("2026-06-01T00:00:00"))[:2] == (
        us("2026-06-01"),
        us("2026-06-01T01:00:00"),
    )
    assert nights.period(us("2026-06-01T01:00:00"))[:2] == (
        us("2026-06-01T01:00:00"),
        us("2026-06-01T04:00:00"),
    )


@given(boundaries, moments)
def test_a_moment_lies_in_its_period_and_no_boundary_within(
    changes: Boundaries, start_us: int
) -> None:
    from_us, until_us, _ = changes.period(start_us)
    assert from_us <= start_us < until_us
    assert not any(from_us < date_us < until_us for date_us in changes.dates_us)
    assert until_us - from_us <= DAY_US or not changes.times_us


@given(boundaries, st.lists(moments, max_size=20))
def test_a_timeline_answers_as_if_it_compiled_every_time(
    changes: Boundaries, starts: list[int]
) -> None:
    outcomes: dict[tuple[int, int], Unpriced] = {}

    def compile_at(start_us: int) -> Unpriced:
        key = (
            sum(date_us <= start_us for date_us in changes.dates_us),
            sum(time_us <= start_us % DAY_US for time_us in changes.times_us)
            % max(len(changes.times_us), 1),
        )
        return outcomes.setdefault(key, Unpriced("unknown_model"))

    timeline = Timeline(changes, compile_at)
    assert all(timeline.at(start_us) is compile_at(start_us) for start_us in starts)
