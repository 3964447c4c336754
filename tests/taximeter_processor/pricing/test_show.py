"""Every price can be asked why."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.pricing.show import (
    Descriptions,
    OverrideAnswer,
    RateAnswer,
    describe,
    rate_for,
    search,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def test_an_answer_names_entry_period_tier_and_version(small: PriceBook) -> None:
    answer = describe(small, "openai", "text", NOON, tier="flex")
    assert (answer.entry, answer.tier, answer.reason) == ("text", "flex", "")
    assert answer.valid_from == datetime(2026, 10, 12, tzinfo=timezone.utc)
    assert answer.valid_until is None
    assert answer.price_version == small.version


def test_each_rate_says_what_it_is_and_where_it_is_from(small: PriceBook) -> None:
    rates = describe(small, "openai", "text", NOON, tier="batch").rates
    assert rates[:2] == (
        RateAnswer(
            meter="input",
            billed_as="input",
            above_input_tokens=0,
            usd="0.000000125",
            usd_listed="0.125",
            per=1_000_000,
            source="genai-prices:openai/text (batch)",
        ),
        RateAnswer(
            meter="cache_read",
            billed_as="cache_read",
            above_input_tokens=0,
            usd="0.000000025",
            usd_listed="0.025",
            per=1_000_000,
            source="genai-prices:openai/text",
        ),
    )


def test_a_meter_shows_the_more_general_one_it_is_billed_as(small: PriceBook) -> None:
    rates = {rate.meter: rate for rate in describe(small, "openai", "text", NOON).rates}
    assert rates["cache_write_1h"].billed_as == "input"


def test_a_context_threshold_is_a_rate_of_its_own(small: PriceBook) -> None:
    rates = describe(small, "openai", "long", NOON).rates
    inputs = [(rate.above_input_tokens, rate.usd_listed) for rate in rates if rate.meter == "input"]
    assert inputs == [(0, "1.25"), (200_000, "2.5")]


@pytest.mark.usefixtures("small_list")
def test_an_override_shows_in_source_and_rates() -> None:
    book = PriceBook.load([PriceOverride(provider="openai", model="t*", percent=Decimal(-15))])
    answer = describe(book, "openai", "text", NOON)
    assert answer.source == "genai-prices:openai/text;override=openai/t*"
    assert answer.rates[0].usd_listed == "0.2125"
    assert answer.rates[0].source == "genai-prices:openai/text; override:openai/t* -15%"
    assert answer.rates[0].override == OverrideAnswer("openai/t*", None, "", None, None)


@pytest.mark.parametrize(("tokens", "usd"), [(0, "1.25"), (200_000, "1.25"), (200_001, "2.5")])
def test_a_request_pays_the_rate_of_its_size(small: PriceBook, tokens: int, usd: str) -> None:
    rate = rate_for(describe(small, "openai", "long", NOON), "input", tokens)
    assert rate is not None
    assert rate.usd_listed == usd


def test_a_meter_that_has_no_rate_is_answered_by_none(small: PriceBook) -> None:
    assert rate_for(describe(small, "openai", "embed", NOON), "output", 1) is None


def test_the_model_that_was_asked_for_stands_in_for_an_unknown_one(small: PriceBook) -> None:
    assert describe(small, "openai", "nothing", NOON, request_model="text").entry == "text"


def test_another_s_list_is_named(small: PriceBook) -> None:
    assert describe(small, "azure.ai.openai", "text", NOON).borrowed_from == "openai"
    assert describe(small, "openai", "text", NOON).borrowed_from == ""


def test_a_model_without_a_price_says_why(small: PriceBook) -> None:
    answer = describe(small, "openai", "nothing", NOON)
    assert (answer.rates, answer.reason) == ((), "unknown_model")


def test_a_search_looks_at_labels_and_names_whatever_the_case(small: PriceBook) -> None:
    assert search(small, "ANTHROPIC/") == [("anthropic/writer", "Writer")]
    assert search(small, "wRiTeR") == [("anthropic/writer", "Writer")]


def test_many_calls_are_described_as_each_would_be(small: PriceBook) -> None:
    described = Descriptions(small)
    for day in (31, 30, 1, 31):
        at = datetime(2026, 5, day, 12, tzinfo=timezone.utc) + timedelta(days=1)
        told = described.at("openai", "dated", "", "standard", at)
        assert told.rates == describe(small, "openai", "dated", at).rates
