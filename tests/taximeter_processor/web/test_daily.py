"""The daily view's numbers, worked out by hand from a small ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.settings import Budget, Owner, Settings
from taximeter_processor.web.daily import Breakdown, BudgetLine, Comparison, Daily, Line, daily
from tests.support.records import NOON_US, call

USD = 10**12
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)
SETTINGS = Settings(
    owners=(Owner(name="alice", features=("chat",)), Owner(name="bob", teams=("growth",))),
    budgets=(
        Budget(name="all", usd="10", owner="bob"),
        Budget(name="chat", usd="2", period="day", feature="chat"),
    ),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBStore]:
    """Today $3 and one unpriced call, yesterday $4 at 11:00 and $8 at 23:00, last month $5."""
    ledger = DuckDBStore(tmp_path_factory.mktemp("daily") / "l.duckdb")
    ledger.append(
        [
            call(1, feature="chat", team="support", cost_usd=3 * USD),
            call(2, feature="search", status="unpriced", cost_usd=0, tenant=""),
            call(3, start_time=NOON_US - DAY_US - HOUR_US, cost_usd=4 * USD),
            call(4, start_time=NOON_US - DAY_US + 11 * HOUR_US, cost_usd=8 * USD, tenant=""),
            call(5, start_time=NOON_US - 20 * DAY_US, cost_usd=5 * USD),
        ]
    )
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def view(store: DuckDBStore) -> Daily:
    found = daily(store, SETTINGS, NOW, days=30, by="feature")
    assert found is not None
    return found


def breakdown(view: Daily, dimension: str) -> Breakdown:
    (found,) = [table for table in view.breakdowns if table.dimension == dimension]
    return found


def test_an_empty_ledger_has_no_view(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    assert daily(ledger, SETTINGS, NOW, days=30, by="feature") is None
    ledger.close()


def test_today_stands_against_the_same_hours_of_other_days(view: Daily) -> None:
    assert view.today_pico == 3 * USD
    assert view.comparisons == (
        Comparison("this time yesterday", 4 * USD, -1 * USD),
        Comparison("this time last week", 0, 3 * USD),
    )


def test_months_begin_on_their_first(view: Daily) -> None:
    assert (view.month_pico, view.last_month_pico) == (15 * USD, 5 * USD)


def test_calls_without_a_price_and_cost_without_a_tag_are_told(view: Daily) -> None:
    assert (view.calls_today, view.calls, view.unpriced_calls) == (2, 5, 1)
    assert dict(view.untagged)["tenant"] == 8 * USD
    assert dict(view.untagged)["feature"] == 0


def test_features_come_with_their_owner(view: Daily) -> None:
    table = breakdown(view, "feature")
    assert table.lines == (
        Line("search", "bob", 0, 17 * USD, 1),
        Line("chat", "alice", 3 * USD, 3 * USD),
    )
    assert table.total == Line("total", "", 3 * USD, 20 * USD, 1)


def test_an_absent_tag_is_a_line_of_its_own(view: Daily) -> None:
    lines = {line.name: line.period_pico for line in breakdown(view, "tenant").lines}
    assert lines == {"acme": 12 * USD, "unknown": 8 * USD}


def test_budgets_count_their_own_period_and_scope(view: Daily) -> None:
    assert view.budgets == (
        BudgetLine("all", "everything", "bob", "month", 15 * USD, 10 * USD),
        BudgetLine("chat", "feature chat", "alice", "day", 3 * USD, 2 * USD),
    )
    assert view.budgets[0].is_over


def test_each_day_adds_up(view: Daily) -> None:
    days = {day.date().isoformat(): pico for day, pico in view.chart_days}
    assert len(days) == 30
    assert days["2026-11-18"] == 3 * USD
    assert days["2026-11-17"] == 12 * USD
    assert sum(days.values()) == view.period_pico == 20 * USD


def test_the_eleventh_tenant_and_on_are_one_line(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append([call(n, tenant=f"t{n:02}", cost_usd=(20 - n) * USD) for n in range(13)])
    found = daily(ledger, SETTINGS, NOW, days=30, by="tenant")
    ledger.close()
    assert found is not None
    last = breakdown(found, "tenant").lines[-1]
    assert last == Line("3 others", "", (10 + 9 + 8) * USD, (10 + 9 + 8) * USD)
