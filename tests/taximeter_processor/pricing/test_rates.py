"""Exact rates: their text, their nearest kin, and fractions of a pico-USD rounded once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.model import Quantity
from taximeter_processor.money import round_half_even
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.rates import (
    ALWAYS,
    CompiledPrice,
    Rate,
    RateCard,
    Rates,
    billed_as,
    usd_text,
)
from tests.taximeter_processor.pricing.calls import ask, costs, paid


def rates(**usd: str) -> Rates:
    return {key: Rate(((ALWAYS, Fraction(rate)),), "test") for key, rate in usd.items()}


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Fraction(1, 4_000_000), "0.00000025"),
        (Fraction("0.08333333333333334") / 10**6, "0.00000008333333333333334"),
        (Fraction(3), "3"),
        (Fraction(0), "0"),
        (Fraction(25, 2), "12.5"),
        (Fraction(1, 3600), "1/3600"),
    ],
)
def test_a_rate_is_written_as_a_plain_decimal_or_a_fraction(rate: Fraction, text: str) -> None:
    assert usd_text(rate) == text


@given(st.fractions(min_value=0))
def test_the_text_of_a_rate_is_the_rate(rate: Fraction) -> None:
    assert Fraction(usd_text(rate)) == rate


def test_a_unit_is_billed_as_its_most_specific_ancestor(book: PriceBook) -> None:
    priced = rates(input_tokens="1", cache_read_tokens="1", output_tokens="1")
    units = book.catalogue.units
    assert billed_as("cache_audio_read_tokens", priced, units) == "cache_read_tokens"
    assert billed_as("input_audio_tokens", priced, units) == "input_tokens"
    assert billed_as("web_searches", priced, units) is None


def test_a_unit_with_two_equally_near_rates_has_none(book: PriceBook) -> None:
    priced = rates(input_tokens="1", cache_read_tokens="1", input_audio_tokens="1")
    assert billed_as("cache_audio_read_tokens", priced, book.catalogue.units) is None


def test_meters_that_share_a_rate_are_rounded_as_one(small: PriceBook) -> None:
    # Each token is 83333.33333333334 pico-USD: apart 83333 + 83333 + 83333, together 250000.
    priced = ask(small, "twelfth", input=1, cache_read=1, input_audio=1)
    assert costs(priced) == {"input": 83_333, "cache_read": 83_334, "input_audio": 83_333}
    assert paid(priced).cost_pico == paid(priced).list_pico == 250_000


@given(
    rate=st.fractions(min_value=0, max_value=1, max_denominator=10**20),
    amounts=st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
)
def test_shared_lines_add_up_to_the_total_rounded_once(
    book: PriceBook, rate: Fraction, amounts: list[int]
) -> None:
    one_rate = {"input_tokens": Rate(((ALWAYS, rate),), "test")}
    price = CompiledPrice(RateCard("model", "test", one_rate, one_rate), book.catalogue.units, "v")
    meters = ("input", "cache_read", "cache_write_1h")
    quantities = tuple(Quantity(*pair) for pair in zip(meters, amounts, strict=True))
    priced = paid(price.cost(quantities, sum(amounts)))
    exact = rate * 10**12 * sum(amounts)
    total = round_half_even(exact.numerator, exact.denominator)
    assert sum(line.cost_pico for line in priced.lines) == priced.cost_pico == total
