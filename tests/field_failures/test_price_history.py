"""Failures of other tools in what was priced long ago, or added up, named after what went wrong."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.periods import day_bounds, to_us
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.reports.asked import Asked, iso
from taximeter_processor.reports.reads import READS
from taximeter_processor.reports.reprice import Question, reprice_slice
from taximeter_processor.settings import parse
from tests.field_failures.price_calls import row
from tests.support.records import NOON_US

DAY_US = 86_400_000_000
OWN: dict[str, Any] = {"provider": "ollama", "request_model": "own", "response_model": "own"}
EVER = Question(iso(NOON_US - DAY_US), iso(NOON_US + DAY_US))
NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)


def with_price(text: str) -> PriceBook:
    return PriceBook.load([PriceOverride.model_validate(yaml.safe_load(text))])


def total_pico(ledger: DuckDBStore) -> int:
    return queries.totals(ledger).cost_pico


def test_a_price_added_later_did_not_fill_history(ledger: DuckDBStore, prices: PriceBook) -> None:
    ledger.append([row(prices, **OWN)])
    assert total_pico(ledger) == 0
    reprice_slice(ledger, with_price("{model: own, rates: {input: 1, output: 2}}"), EVER, NOON_US)
    # 1312 × $1 and 84 × $2 a million.
    assert total_pico(ledger) == 1_480_000_000


def test_history_changed_silently(ledger: DuckDBStore, prices: PriceBook) -> None:
    ledger.append([row(prices)])
    dearer = with_price("{model: gpt-5-mini, percent: 100}")
    # The same call once more, delivered after the price changed: what is committed stays.
    ledger.append([row(dearer)])
    assert total_pico(ledger) == 236_800_000
    # It changes when someone asks, and then not silently.
    reprice_slice(ledger, dearer, EVER, NOON_US)
    assert total_pico(ledger) == 473_600_000
    assert queries.restated(ledger) == [("main", "price_changed", 236_800_000, 0)]


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Apia"])
def test_time_zones_doubled_days(ledger: DuckDBStore, prices: PriceBook, zone: str) -> None:
    hours = [row(prices, number, start_us=NOON_US - number * DAY_US // 24) for number in range(72)]
    ledger.append(hours)
    settings = parse(f"timezone: {zone}", Path("taximeter.yaml"))
    bounds = day_bounds(5, NOW, settings.zone)
    by_day = queries.spend_by_day(ledger, ["feature"], bounds)[("search",)]
    assert sum(by_day) == 72 * 236_800_000
    assert all(day <= 24 * 236_800_000 for day in by_day)


def test_totals_were_not_the_sum_of_the_teams(ledger: DuckDBStore, prices: PriceBook) -> None:
    teams = ("growth", "support", "", "unknown", "growth")
    unpriced = row(prices, 9, team="growth", **OWN)
    ledger.append([*(row(prices, n, team=team) for n, team in enumerate(teams)), unpriced])
    asked = {"by": "team", "since": "2026-11-01"}
    settings = parse("{}", Path("taximeter.yaml"))
    answer = READS["costs"](Asked(ledger, settings, asked, NOW))
    assert answer["total"]["cost_usd"] == "0.001184"
    whole = queries.spend(ledger, (), 0, to_us(NOW) + DAY_US)[0]
    parts = queries.spend(ledger, ("team",), 0, to_us(NOW) + DAY_US)
    assert sum(part.cost_pico for part in parts) == whole.cost_pico == total_pico(ledger)
    assert sum(part.requests for part in parts) == whole.requests == 6
    assert sum(part.unpriced for part in parts) == whole.unpriced == 1
