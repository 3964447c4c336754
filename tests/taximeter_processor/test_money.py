"""Money is exact: integers of one pico-USD, rounded half-even, never through a float."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.money import format_usd, pico_to_usd, round_half_even, usd_to_pico


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 2, 0), (3, 2, 2), (5, 2, 2), (7, 3, 2), (8, 3, 3), (-1, 2, 0), (-3, 2, -2)],
)
def test_a_tie_goes_to_the_even_integer(numerator: int, denominator: int, expected: int) -> None:
    assert round_half_even(numerator, denominator) == expected


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**20))
def test_rounding_agrees_with_fractions(numerator: int, denominator: int) -> None:
    assert round_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.integers(-(10**30), 10**30))
def test_dollars_and_back_lose_nothing(pico: int) -> None:
    assert usd_to_pico(pico_to_usd(pico)) == pico
    assert usd_to_pico(format_usd(pico)) == pico


@pytest.mark.parametrize(
    ("pico", "text"),
    [(0, "0.0"), (412_000_000, "0.000412"), (10**12, "1.0"), (-5, "-0.000000000005")],
)
def test_dollars_are_written_as_plain_decimals(pico: int, text: str) -> None:
    assert format_usd(pico) == text


def test_more_than_twelve_decimals_are_rounded_half_even() -> None:
    assert usd_to_pico(Decimal("0.0000000000005")) == 0
    assert usd_to_pico(Decimal("0.0000000000015")) == 2


def test_an_absurdly_small_amount_is_nothing_and_takes_no_time() -> None:
    assert usd_to_pico("1e-999999999") == 0


@pytest.mark.parametrize("text", ["", "NaN", "inf", "a dollar", "1,5", "1e999999999"])
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of money"):
        usd_to_pico(text)
