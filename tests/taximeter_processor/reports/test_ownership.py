"""Who answers for what: nobody first, then the dearest."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.people import Owner, Rota
from taximeter_processor.reports.asked import Asked
from taximeter_processor.reports.ownership import owners
from taximeter_processor.settings import Settings
from tests.support.records import call

NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)
SETTINGS = Settings(
    owners=(
        Owner(name="alice", features=("chat",)),
        Owner(name="bob"),
        Owner(
            name="oncall",
            teams=("growth",),
            rota=Rota(persons=("alice", "bob"), since=date(2026, 1, 5)),
        ),
    )
)


@pytest.fixture
def answer(tmp_path: Path) -> Any:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append(
        [
            call(1, feature="chat", team="support", cost_usd=3 * 10**12),
            call(2, feature="search", team="growth", cost_usd=6 * 10**12),
            call(3, feature="rag", team="labs", cost_usd=10**12),
        ]
    )
    yield owners(Asked(ledger, SETTINGS, {}, NOW))
    ledger.close()


def test_nobody_comes_first_then_owners_by_spend_and_those_of_nothing_last(answer: Any) -> None:
    assert [tuple(row.values()) for row in answer["owners"]] == [
        ("unowned", "nobody", "rag", "1.0", "10.0 %"),
        ("oncall", "rota", "search", "6.0", "60.0 %"),
        ("alice", "person", "chat", "3.0", "30.0 %"),
        ("bob", "person", "", "0.0", "0.0 %"),
    ]
    assert [*answer["owners"][0]] == ["owner", "kind", "features", "cost_usd", "share"]


def test_each_feature_and_team_has_its_owner(answer: Any) -> None:
    assert [(row["feature"], row["owner"]) for row in answer["rows"]] == [
        ("search", "oncall"),
        ("chat", "alice"),
        ("rag", "unowned"),
    ]
