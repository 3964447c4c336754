"""The daily view's numbers, worked out by hand from a small ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.people import Owner
from taximeter_processor.settings import Budget, Settings
from taximeter_processor.web.sections.breakdown import Line, breakdown, by_owner
from taximeter_processor.web.sections.budgets import BudgetLine, budgets
from taximeter_processor.web.sections.now import Comparison, Now, now
from taximeter_processor.web.sections.subject import Coverage, Subject
from taximeter_processor.web.sections.trend import trend
from taximeter_processor.web.view import parse
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


def of(store: DuckDBStore, **query: str) -> Subject:
    return Subject(store, SETTINGS, parse(query, NOW, SETTINGS.zone))


@pytest.fixture(scope="module")
def today(store: DuckDBStore) -> Now:
    return now(of(store))


def test_today_stands_against_the_same_hours_of_other_days(today: Now) -> None:
    assert today.today.cost_pico == 3 * USD
    assert today.comparisons == (
        Comparison("this time last week", 0, 3 * USD),
        Comparison("this time yesterday", 4 * USD, -1 * USD),
    )


def test_yesterday_stands_against_its_weekday(today: Now) -> None:
    assert today.yesterday_pico == 12 * USD
    assert today.week_before == Comparison("a week before", 0, 12 * USD)


def test_months_begin_on_their_first(today: Now) -> None:
    assert (today.month.cost_pico, today.last_month_pico) == (15 * USD, 5 * USD)


def test_beside_a_total_stands_what_is_not_known_of_it(today: Now) -> None:
    assert today.today == Coverage(3 * USD, 2, 1, 0)
    assert today.month == Coverage(15 * USD, 4, 1, 8 * USD)


def test_a_month_ends_at_the_pace_of_the_last_whole_days(today: Now) -> None:
    # 7 whole days cost $12: $12/7 a day, for the 299 hours from 18 November 13:00 on.
    assert today.month_ends == date(2026, 11, 30)
    assert today.month_end_pico == 15 * USD + 21_357_142_857_143


def test_a_ledger_of_three_whole_days_has_their_pace(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append([call(n, start_time=NOON_US - n * DAY_US, cost_usd=USD) for n in range(4)])
    # $1 a day for 299 hours.
    assert now(of(ledger)).month_end_pico == 4 * USD + 12_458_333_333_333
    ledger.close()


def test_on_its_first_day_a_ledger_has_no_pace(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append([call()])
    assert now(of(ledger)).month_end_pico is None
    ledger.close()


def test_the_budget_for_everything_stands_at_the_month(store: DuckDBStore, today: Now) -> None:
    assert (today.budget_pico, today.budget_owner) == (10 * USD, "bob")
    assert now(of(store, tenant="acme")).budget_pico is None


def test_a_feature_s_own_view_has_its_budget_and_says_whom_to_ask(store: DuckDBStore) -> None:
    budget = Budget(name="chat month", usd="7", feature="chat")
    settings = SETTINGS.model_copy(update={"budgets": (*SETTINGS.budgets, budget)})
    view = parse({"feature": "chat"}, NOW, settings.zone)
    found = now(Subject(store, settings, view))
    assert (found.budget_pico, found.budget_owner, found.owner) == (7 * USD, "alice", "alice")


def test_a_day_that_is_over_is_shown_as_it_ended(store: DuckDBStore) -> None:
    found = now(of(store, date="2026-11-17"))
    assert found.today.cost_pico == found.month.cost_pico == 12 * USD
    assert found.comparisons[1] == Comparison("the day before", 0, 12 * USD)
    # Nothing was spent in the 7 days before it.
    assert found.month_end_pico == 12 * USD


def test_filters_hold_for_every_number(store: DuckDBStore) -> None:
    found = now(of(store, tenant="unknown"))
    assert (found.today.calls, found.month.cost_pico, found.last_month_pico) == (1, 8 * USD, 0)


def test_features_come_with_their_owner(store: DuckDBStore) -> None:
    table = breakdown(of(store), "feature")
    assert table.lines == (
        Line("search", "bob", 0, 0, 17 * USD, 4, 1),
        Line("chat", "alice", 3 * USD, 0, 3 * USD, 1, 0),
    )
    assert table.total == Line("total", "", 3 * USD, 0, 20 * USD, 5, 1)
    assert table.rest is None


def test_a_feature_of_several_owners_names_first_whose_team_is_dearest(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append(
        [
            call(1, team="growth", cost_usd=1 * USD),
            call(2, team="nobody", cost_usd=3 * USD),
            call(3, team="somebody", cost_usd=2 * USD),
        ]
    )
    (line,) = breakdown(of(ledger), "feature").lines
    ledger.close()
    assert line.owner == "unowned, bob"


def test_an_absent_tag_is_a_line_of_its_own(store: DuckDBStore) -> None:
    lines = {line.name: line.period_pico for line in breakdown(of(store), "tenant").lines}
    assert lines == {"acme": 12 * USD, "unknown": 8 * USD}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["search", "chat"]),
        ({"order": "asc"}, ["chat", "search"]),
        ({"sort": "today"}, ["chat", "search"]),
        ({"sort": "change"}, ["chat", "search"]),
        ({"sort": "name", "order": "asc"}, ["chat", "search"]),
        ({"sort": "name"}, ["search", "chat"]),
    ],
)
def test_a_table_is_in_the_order_that_the_address_says(
    store: DuckDBStore, query: dict[str, str], names: list[str]
) -> None:
    assert [line.name for line in breakdown(of(store, **query), "feature").lines] == names


def test_the_eleventh_tenant_and_on_are_one_line(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append([call(n, tenant=f"t{n:02}", cost_usd=(20 - n) * USD) for n in range(13)])
    table = breakdown(of(ledger), "tenant")
    ledger.close()
    rest = (10 + 9 + 8) * USD
    assert len(table.lines) == 10
    assert table.rest == Line("3 others", "", rest, 0, rest, 3, 0)
    assert table.values == 13


def test_cost_is_told_by_who_answers_for_it(store: DuckDBStore) -> None:
    lines = by_owner(of(store)).lines
    assert [(line.name, line.period_pico) for line in lines] == [
        ("bob", 17 * USD),
        ("alice", 3 * USD),
    ]


def test_budgets_count_their_own_period_and_scope(store: DuckDBStore) -> None:
    month, day = budgets(of(store))
    end = 15 * USD + 21_357_142_857_143
    assert month == BudgetLine("all", "everything", "bob", "month", 15 * USD, 10 * USD, end)
    assert month.is_over
    assert month.will_be_over
    assert day == BudgetLine("chat", "feature chat", "alice", "day", 3 * USD, 2 * USD)


def test_each_day_adds_up(store: DuckDBStore) -> None:
    found = trend(of(store))
    days = {one.day.isoformat(): one.pico for one in found.days}
    assert len(days) == 30
    assert (days["2026-11-18"], days["2026-11-17"]) == (3 * USD, 12 * USD)
    assert sum(days.values()) == found.total.cost_pico == 20 * USD
    assert {key.name: key.total_pico for key in found.chart.keys} == {
        "search": 17 * USD,
        "chat": 3 * USD,
    }


def test_a_day_above_its_weekday_s_band_is_marked(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append([call(n, start_time=NOON_US - n * DAY_US, cost_usd=USD) for n in range(1, 40)])
    ledger.append([call(99, cost_usd=2 * USD)])
    found = trend(of(ledger))
    ledger.close()
    assert [one.day for one in found.days if one.is_high] == [date(2026, 11, 18)]
    assert found.days[0].band == (8 * USD // 10, 12 * USD // 10)


def test_a_call_that_arrives_while_the_page_is_read_is_in_no_part_of_it(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append([call(1, cost_usd=USD)])
    subject = of(ledger)
    first = now(subject).today.cost_pico
    ledger.append([call(2, cost_usd=USD, ingested_at=NOON_US + 2 * HOUR_US)])
    tables = [breakdown(subject, "tenant"), by_owner(subject)]
    month, _ = budgets(subject)
    assert [first, *(table.total.today_pico for table in tables), month.spent_pico] == [USD] * 4
    assert trend(subject).total.cost_pico == USD
    ledger.close()
