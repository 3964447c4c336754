"""What `taximeter prices check` finds, and that it finds nothing where nothing is wrong."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from taximeter_processor.ledger.usage import UsedModel
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.price_check import STALE_AFTER_DAYS, check
from taximeter_processor.settings import parse

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
USED = UsedModel(
    "openai", "gpt-5-mini", "", "standard", "priced", "", "genai-prices:openai/gpt-5-mini", 7, 9
)
UNKNOWN = USED._replace(
    response_model="gpt-99", status="unpriced", unpriced_reason="unknown_model", price_source=""
)


def kinds(text: str, *used: UsedModel, now: datetime = NOW) -> list[str]:
    book = PriceBook.of(parse(text, Path("taximeter.yaml")))
    return [found.kind for found in check(book, used, now, STALE_AFTER_DAYS)]


def test_good_prices_for_what_is_used_are_no_finding() -> None:
    assert kinds("prices: [{model: 'gpt-5*', percent: -5}]", USED) == []


def test_a_catalogue_verified_long_ago_is_stale() -> None:
    assert kinds("{}", now=datetime(2027, 6, 1, tzinfo=timezone.utc)) == ["stale catalogue"]


def test_an_exchange_rate_of_long_ago_is_stale(tmp_path: Path) -> None:
    rates = tmp_path / "rates.yaml"
    rates.write_text("EUR: {2026-01-01: 1.08}\nGBP: {2025-01-01: 1.3}\n")
    prices = "prices: [{model: gpt-5-mini, rates: {input: 1}, currency: EUR}]"
    assert kinds(f"exchange_rates: {rates}\n{prices}", USED) == ["stale exchange rate"]


def test_an_override_that_ended_or_fits_no_call_is_found() -> None:
    ended = "prices: [{model: gpt-5-mini, percent: -5, until: 2026-11-23}]"
    assert kinds(ended, USED) == ["override ended"]
    assert kinds("prices: [{model: gtp-5-mini, percent: -5}]", USED) == ["override unused"]


@pytest.mark.parametrize(
    ("prices", "kind"),
    [("{}", "unpriced in use"), ("prices: [{model: gpt-99, rates: {input: 1}}]", "priced by now")],
)
def test_a_model_in_use_without_a_price_is_found(prices: str, kind: str) -> None:
    assert kinds(prices, UNKNOWN) == [kind]


def test_a_call_without_usage_is_no_matter_of_prices() -> None:
    assert kinds("{}", UNKNOWN._replace(unpriced_reason="no_usage")) == []


def test_a_tier_priced_as_standard_is_found() -> None:
    assumed = USED._replace(tier="scale", price_source=f"{USED.price_source};tier=standard-assumed")
    assert kinds("{}", assumed) == ["tier assumed"]
