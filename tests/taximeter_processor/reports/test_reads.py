"""The named reads: exact sums by any dimensions, days that add up, clear errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.people import Owner
from taximeter_processor.reports import costs
from taximeter_processor.reports.asked import Asked
from taximeter_processor.reports.reads import READS
from taximeter_processor.settings import Settings
from tests.support.records import NOON_US, call

NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBStore]:
    ledger = DuckDBStore(tmp_path_factory.mktemp("reads") / "l.duckdb")
    ledger.append(
        [
            call(1),
            call(2, feature="chat", team="support", cost_usd=10**12),
            call(3, feature="chat", team="support", cost_usd=10**12, start_time=NOON_US - DAY_US),
            call(4, feature="", status="unpriced", cost_usd=0),
        ]
    )
    yield ledger
    ledger.close()


def read(store: DuckDBStore, name: str, **parameters: str) -> Any:
    settings = Settings(owners=(Owner(name="alice", features=("chat",)),))
    return READS[name](Asked(store, settings, parameters, NOW))


def test_costs_are_grouped_dearest_first_with_an_exact_total(store: DuckDBStore) -> None:
    answer = read(store, "costs", by="feature")
    assert [(r["feature"], r["cost_usd"]) for r in answer["rows"]] == [
        ("chat", "2.0"),
        ("search", "0.0002368"),
        ("unknown", "0.0"),
    ]
    assert answer["total"]["cost_usd"] == "2.0002368"


def test_costs_may_be_filtered_by_a_dimension_that_is_not_shown(store: DuckDBStore) -> None:
    answer = read(store, "costs", by="team", feature="chat")
    assert [(r["team"], r["requests"]) for r in answer["rows"]] == [("support", 2)]


def test_unknown_filters_the_untagged(store: DuckDBStore) -> None:
    answer = read(store, "costs", by="status", feature="unknown")
    assert answer["rows"][0]["unpriced"] == 1


def test_costs_by_day_are_days_of_the_zone_oldest_first(store: DuckDBStore) -> None:
    answer = read(store, "costs", by="day,feature", since="2026-11-17", feature="chat")
    assert [(r["day"], r["cost_usd"]) for r in answer["rows"]] == [
        ("2026-11-17", "1.0"),
        ("2026-11-18", "1.0"),
    ]


def test_an_answer_of_too_many_rows_says_how_to_ask_for_fewer(
    store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "MOST_ROWS", 3)
    assert len(read(store, "costs", by="feature")["rows"]) == 3
    with pytest.raises(ValueError, match="more than 3 rows: expected fewer dimensions"):
        read(store, "costs", by="day,feature")


def test_a_range_leaves_out_what_began_before_it(store: DuckDBStore) -> None:
    assert read(store, "costs", since="12h")["total"]["requests"] == 3


def test_the_trend_s_days_add_up_to_the_costs(store: DuckDBStore) -> None:
    trend = read(store, "trend", days="3")
    assert trend["days"] == ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert trend["series"]["chat"] == ["0.0", "1.0", "1.0"]
    total = sum(Decimal(usd) for series in trend["series"].values() for usd in series)
    assert total == Decimal(read(store, "costs", since="2026-11-16")["total"]["cost_usd"])


def test_owners_name_who_answers_for_which_cost(store: DuckDBStore) -> None:
    rows = read(store, "owners")["rows"]
    assert {(r["feature"], r["owner"]) for r in rows} == {
        ("chat", "alice"),
        ("search", "unowned"),
        ("unknown", "unowned"),
    }


def test_stats_tell_rows_and_cost_by_writer_and_status(store: DuckDBStore) -> None:
    stats = read(store, "ledger/stats")
    assert (stats["rows"], stats["cost_usd"]) == (4, "2.0002368")
    assert {(r["writer"], r["status"], r["requests"]) for r in stats["by_writer"]} == {
        ("main", "priced", 3),
        ("main", "unpriced", 1),
    }


def test_an_empty_ledger_has_no_rows_and_no_error(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "empty.duckdb")
    answer = read(ledger, "costs")
    ledger.close()
    assert (answer["rows"], answer["total"]["cost_usd"]) == ([], "0.0")
