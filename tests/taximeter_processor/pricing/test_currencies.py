"""Prices in other currencies: converted exactly, at the rate of the call's day."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor.errors import ConfigError
from taximeter_processor.model import Unpriced
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.settings import parse
from tests.taximeter_processor.pricing.calls import ask, paid

RATES = "EUR: {2026-01-01: 1.08, 2026-10-01: '1.1'}\nGBP: {2026-01-01: 1.25}\n"
IN_EUROS = (
    "prices: [{provider: ollama, model: own, currency: EUR, "
    "rates: {input: 0.5}, fees: {request: 0.01}}]"
)


def book(directory: Path, prices: str = IN_EUROS, rates: str = RATES) -> PriceBook:
    file = directory / "rates.yaml"
    file.write_text(rates)
    return PriceBook.of(parse(f"exchange_rates: {file}\n{prices}\n", Path("taximeter.yaml")))


def test_a_euro_price_is_dollars_at_the_rate_of_the_day(tmp_path: Path) -> None:
    euros = book(tmp_path)
    before = paid(ask(euros, "own", "ollama", at="2026-09-30T23:59:59", input=1000))
    since = paid(ask(euros, "own", "ollama", at="2026-10-01T00:00:00", input=1000))
    # 1000 × €0.50 a million and €0.01; at $1.08, then $1.10 for a euro.
    assert before.cost_pico == 540_000_000 + 10_800_000_000
    assert since.cost_pico == 550_000_000 + 11_000_000_000
    assert since.lines[0].rate_usd == "0.00000055"


def test_before_the_first_exchange_rate_there_is_no_price(tmp_path: Path) -> None:
    found = ask(book(tmp_path), "own", "ollama", at="2025-12-31T23:59:59", input=1)
    assert found == Unpriced("no_price_at_time")


def test_a_currency_without_rates_is_refused_when_the_book_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ollama/own is in EUR, which has no rate"):
        book(tmp_path, rates="GBP: {2026-01-01: 1.25}")


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ("EUR: 1.08", "EUR: Input should be a valid dictionary"),
        ("EUR: {2026-01-01: 0}", "EUR.2026-01-01: Input should be greater than 0"),
        ("euro: {2026-01-01: 1}", "euro: String should match pattern"),
        ("EUR: {first: 1}", "EUR.first"),
        ("EUR: {2026-01-01: yes}", "valid decimal"),
        ("EUR: [", "is no YAML"),
        ("", "the file: Input should be a valid dictionary"),
    ],
)
def test_a_mistake_in_the_rate_file_is_named(tmp_path: Path, rates: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        book(tmp_path, rates=rates)


def test_a_rate_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = parse(f"exchange_rates: {tmp_path / 'none.yaml'}\n", Path("taximeter.yaml"))
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        PriceBook.of(settings)


def test_the_version_changes_with_an_exchange_rate_that_matters(tmp_path: Path) -> None:
    version = book(tmp_path).version
    assert book(tmp_path, rates=RATES.replace("1.08", "1.09")).version != version
    assert book(tmp_path, rates=RATES.replace("1.25", "1.26")).version == version
