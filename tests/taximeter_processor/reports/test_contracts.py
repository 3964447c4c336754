"""A month of the ledger under contracts: every total is the sum of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.money import PICO_PER_USD
from taximeter_processor.reports.asked import Answer, Asked
from taximeter_processor.reports.reads import READS
from taximeter_processor.settings import parse
from tests.support.records import call

NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
CONTRACTS = """
contracts:
  - {name: openai, provider: openai, discounts: [{above_usd: 10, percent: -10}]}
  - {name: everything else, commitment_usd: 5}
  - {name: last year's, until: 2025-12, commitment_usd: 7}
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path / "l.duckdb")
    costs = [("growth", 20), ("growth", 10), ("support", 10), ("", 1)]
    opened.append(
        [
            call(number, team=team, cost_usd=usd * PICO_PER_USD)
            for number, (team, usd) in enumerate(costs)
        ]
    )
    yield opened
    opened.close()


def asked(store: DuckDBStore, text: str, **parameters: str) -> Answer:
    settings = parse(text, Path("taximeter.yaml"))
    return READS["contracts"](Asked(store, settings, parameters, NOW))


def test_a_month_is_settled_contract_by_contract(store: DuckDBStore) -> None:
    found = asked(store, CONTRACTS)
    # 41 dollars at openai, 31 of them above 10; nothing elsewhere, and 5 committed.
    assert [(row["contract"], row["payable_usd"]) for row in found["rows"]] == [
        ("openai", "37.9"),
        ("everything else", "5.0"),
        ("(no contract)", "0.0"),
    ]
    assert found["total"]["payable_usd"] == "42.9"


def test_what_is_payable_by_team_adds_up_to_the_total(store: DuckDBStore) -> None:
    found = asked(store, CONTRACTS)
    payable = {row["team"]: Decimal(row["payable_usd"]) for row in found["payable_by"]}
    assert sum(payable.values()) == Decimal("42.9")
    assert payable["(unused commitment)"] == 5
    # 37.9 × 30/41, 10/41 and 1/41, to the pico-USD.
    assert payable["growth"] == Decimal("27.731707317073")
    assert payable["support"] == Decimal("9.243902439024")
    assert payable["unknown"] == Decimal("0.924390243903")


def test_without_contracts_payable_is_what_was_metered(store: DuckDBStore) -> None:
    found = asked(store, "{}", by="feature", month="2026-11")
    assert found["payable_by"] == [
        {"feature": "search", "metered_usd": "41.0", "payable_usd": "41.0"}
    ]


def test_a_month_belongs_to_the_reporting_time_zone(store: DuckDBStore) -> None:
    assert asked(store, "timezone: Asia/Tokyo", month="2026-10")["total"]["metered_usd"] == "0.0"


def test_a_wrong_month_or_dimension_is_answered_with_what_was_expected(
    store: DuckDBStore,
) -> None:
    with pytest.raises(ValueError, match="expected one such as 2026-10"):
        asked(store, "{}", month="October")
    with pytest.raises(ValueError, match="expected one of feature"):
        asked(store, "{}", by="colour")
