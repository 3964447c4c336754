"""Changes that are to save money: the days compared, and the sums of either side."""

from __future__ import annotations

from datetime import date, timezone
from pathlib import Path

import pytest

from taximeter_processor import names
from taximeter_processor.metrics.optimizations import around, optimizations
from taximeter_processor.periods import from_us
from tests.taximeter_processor.metrics.ledger_gauges import at, of, shown, spent

CHANGE = {
    "name": "cache the prompt",
    "feature": "search",
    "date": "2026-11-10",
    "kind": "caching",
    "expected_saving": 0.4,
}
LABELS = ("cache the prompt", "search", "caching")


@pytest.mark.parametrize(
    ("now", "before", "after"),
    [
        ("2026-11-12 09:00", ("2026-11-09", "2026-11-10"), ("2026-11-11", "2026-11-12")),
        ("2026-11-17 09:00", ("2026-11-04", "2026-11-10"), ("2026-11-11", "2026-11-17")),
        ("2026-11-18 00:00", ("2026-11-03", "2026-11-10"), ("2026-11-11", "2026-11-18")),
        ("2026-11-24 23:59", ("2026-11-03", "2026-11-10"), ("2026-11-11", "2026-11-18")),
        ("2027-11-24 09:00", ("2026-10-13", "2026-11-10"), ("2026-11-11", "2026-12-09")),
    ],
    ids=["one day", "six days", "a week", "not yet two weeks", "four weeks at most"],
)
def test_both_sides_have_as_many_whole_days_and_whole_weeks_once_there_are_any(
    now: str, before: tuple[str, str], after: tuple[str, str]
) -> None:
    found = around(date(2026, 11, 10), at(now), timezone.utc)
    days = [
        (window.name, f"{from_us(window.start_us):%F}", f"{from_us(window.end_us):%F}")
        for window in found
    ]
    assert days == [("before", *before), ("after", *after)]


@pytest.mark.parametrize("now", ["2026-11-01 09:00", "2026-11-10 09:00", "2026-11-11 23:59"])
def test_until_a_whole_day_has_passed_there_is_nothing_to_compare(now: str) -> None:
    assert around(date(2026, 11, 10), at(now), timezone.utc) == []


def test_a_change_shows_its_date_its_expectation_and_the_sums_of_both_sides(
    tmp_path: Path,
) -> None:
    calls = [
        spent(0, "2026-11-09 08:00", 3),
        spent(1, "2026-11-09 09:00", 1),
        spent(2, "2026-11-10 09:00", 100),  # the day of the change
        spent(3, "2026-11-11 09:00", 1.5),
        spent(4, "2026-11-11 09:00", 9, feature="chat"),
        spent(5, "2026-11-11 09:00", 0, status="failed"),
    ]
    found = shown(tmp_path, calls, optimizations, "2026-11-12 09:00", optimizations=[CHANGE])
    assert of(found, names.OPTIMIZATION_START) == {LABELS: at("2026-11-10 00:00").timestamp()}
    assert of(found, names.OPTIMIZATION_EXPECTED) == {LABELS: 0.4}
    assert of(found, names.OPTIMIZATION_COST) == {(*LABELS, "before"): 4, (*LABELS, "after"): 1.5}
    assert of(found, names.OPTIMIZATION_REQUESTS) == {
        (*LABELS, "before"): 2,
        (*LABELS, "after"): 1,
    }


def test_a_side_without_calls_is_absent_and_not_zero(tmp_path: Path) -> None:
    calls = [spent(0, "2026-11-09 08:00", 3)]
    found = shown(tmp_path, calls, optimizations, "2026-11-12 09:00", optimizations=[CHANGE])
    assert of(found, names.OPTIMIZATION_COST) == {(*LABELS, "before"): 3}
