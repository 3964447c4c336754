"""Amounts read as people write them, and never hide that something was spent."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.formats import cents, change, day_name, exact, percent

USD = 10**12


@pytest.mark.parametrize(
    ("pico", "text"),
    [
        (0, "$0.00"),
        (1, "<$0.01"),
        (5 * 10**9, "<$0.01"),
        (5 * 10**9 + 1, "$0.01"),
        (1_234_565 * 10**9, "$1,234.56"),
        (1_234_575 * 10**9, "$1,234.58"),
        (-2 * USD, "\N{MINUS SIGN}$2.00"),
    ],
)
def test_money_is_shown_to_the_cent_halves_to_even(pico: int, text: str) -> None:
    assert cents(pico) == text


def test_the_exact_value_keeps_every_decimal() -> None:
    assert exact(1_234_565_000_000_001) == "$1234.565000000001"


def test_a_change_says_its_direction_in_words() -> None:
    assert [change(pico) for pico in (USD, -USD, 0)] == ["$1.00 more", "$1.00 less", "the same"]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 10, "0 %"),
        (5, 0, "0 %"),
        (1, 10_000, "<0.1 %"),
        (1, 1000, "0.1 %"),
        (99, 1000, "9.9 %"),
        (999, 1000, "99 %"),
        (1, 1, "100 %"),
        (3, 2, "150 %"),
    ],
)
def test_shares_round_down_so_that_100_means_all(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text


@given(st.integers(1, 10**18))
def test_what_was_spent_never_reads_as_nothing(pico: int) -> None:
    assert cents(pico) != "$0.00"


def test_days_are_named_with_their_weekday() -> None:
    assert day_name(date(2026, 11, 3)) == "Tue 3 Nov"
