"""Slices of the ledger agree with sums made by hand, in any zone and under any filter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.ledger import slices
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.filters import Where
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.slices import DaySum, Ranked
from taximeter_processor.periods import day_bounds
from tests.support.records import NOON_US, call

USD = 10**12
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)
WHOLE = Window("whole", NOON_US - 2 * DAY_US, NOON_US + DAY_US)
TODAY = Window("today", NOON_US - HOUR_US, NOON_US + HOUR_US)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns")
"""Offsets of whole, half and three quarters of an hour."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBStore]:
    """$3 and $1 today, $4 the day before; one call has no price, one no tenant."""
    ledger = DuckDBStore(tmp_path_factory.mktemp("slices") / "l.duckdb")
    ledger.append(
        [
            call(1, feature="chat", cost_usd=3 * USD),
            call(2, feature="search", cost_usd=1 * USD, tenant=""),
            call(3, feature="search", cost_usd=4 * USD, start_time=NOON_US - DAY_US),
            call(4, feature="chat", cost_usd=0, status="unpriced", model="new"),
        ]
    )
    yield ledger
    ledger.close()


def test_a_stretch_says_what_is_not_known_of_its_cost(store: DuckDBStore) -> None:
    bounds = [NOON_US - 36 * HOUR_US, NOON_US - 12 * HOUR_US, NOON_US + 12 * HOUR_US]
    assert slices.by_stretch(store, bounds) == [
        DaySum(4 * USD, 1, 0, 0),
        DaySum(4 * USD, 3, 1, 1 * USD),
    ]


def test_a_ranking_sums_over_more_than_it_shows(store: DuckDBStore) -> None:
    found = slices.ranked(store, "feature", [WHOLE, TODAY], limit=1)
    assert found.rows == (Ranked("search", (5 * USD, 1 * USD), (2, 1), (0, 0)),)
    assert found.total == Ranked("", (8 * USD, 4 * USD), (4, 3), (1, 1))
    assert found.values == 2


def test_a_ranking_may_be_by_another_window_by_difference_or_by_name(store: DuckDBStore) -> None:
    def first(**order: object) -> str:
        return slices.ranked(store, "feature", [TODAY, WHOLE], limit=1, **order).rows[0].value  # type: ignore[arg-type]

    assert first(column=0) == "chat"
    assert first(column=1) == "search"
    assert first(order="change") == "search"
    assert first(order="name", ascending=True) == "chat"


def test_an_empty_slice_has_a_total_of_nothing(store: DuckDBStore) -> None:
    found = slices.ranked(store, "feature", [WHOLE], Where({"team": "nobody"}), limit=5)
    assert (found.rows, found.total, found.values) == ((), Ranked("", (0,), (0,), (0,)), 0)


def test_unknown_selects_what_carries_no_tag_and_what_is_tagged_so(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append(
        [
            call(1, tenant="", cost_usd=1 * USD),
            call(2, tenant="unknown", cost_usd=2 * USD),
            call(3, cost_usd=4 * USD),
        ]
    )
    assert slices.total(ledger, WHOLE, Where({"tenant": "unknown"})) == 3 * USD
    shown = {
        row.value: row.pico[0] for row in slices.ranked(ledger, "tenant", [WHOLE], limit=9).rows
    }
    assert shown == {"unknown": 3 * USD, "acme": 4 * USD}
    bounds = [WHOLE.start_us, WHOLE.end_us]
    named = slices.series(ledger, "tenant", ["unknown"], bounds)
    assert named == {"unknown": [3 * USD], None: [4 * USD]}
    assert slices.total(ledger, WHOLE, Where(among={"tenant": ["unknown"]})) == 3 * USD
    ledger.close()


def test_owners_and_budgets_find_spend_by_feature_and_team(tmp_path: Path) -> None:
    ledger = DuckDBStore(tmp_path / "l.duckdb")
    ledger.append(
        [
            call(1, team="", cost_usd=1 * USD),
            call(2, team="unknown", cost_usd=2 * USD, start_time=NOON_US - DAY_US),
        ]
    )
    assert slices.by_scope(ledger, [WHOLE, TODAY]) == {
        ("search", "unknown"): {"whole": 3 * USD, "today": 1 * USD}
    }
    ledger.close()


def test_a_series_puts_the_other_values_together(store: DuckDBStore) -> None:
    bounds = [WHOLE.start_us, NOON_US - 12 * HOUR_US, WHOLE.end_us]
    assert slices.series(store, "feature", ["chat"], bounds) == {
        "chat": [0, 3 * USD],
        None: [4 * USD, 1 * USD],
    }


@pytest.mark.parametrize(
    ("among", "usd"),
    [
        ({"feature": ["chat"]}, 3),
        ({"feature": ["chat", "search"]}, 8),
        ({"feature": ["chat", "search"], "tenant": ["acme"]}, 7),
        ({"feature": []}, 0),
    ],
)
def test_a_dimension_may_have_one_of_several_values(
    store: DuckDBStore, among: dict[str, list[str]], usd: int
) -> None:
    assert slices.total(store, WHOLE, Where(among=among)) == usd * USD


@pytest.mark.parametrize("name", ["cost_usd", "1=1 --", ""])
def test_only_dimensions_are_groups_and_filters(store: DuckDBStore, name: str) -> None:
    with pytest.raises(ValueError, match="expected one of feature"):
        slices.ranked(store, name, [WHOLE], limit=1)
    with pytest.raises(ValueError, match="expected one of feature"):
        slices.total(store, WHOLE, Where({name: "x"}))
    with pytest.raises(ValueError, match="expected one of feature"):
        slices.total(store, WHOLE, Where(among={name: ["x"]}))


def test_what_arrives_later_is_not_known_before(store: DuckDBStore) -> None:
    arrived = NOON_US + 2_000_000
    assert slices.total(store, WHOLE, Where(known_at_us=arrived)) == 8 * USD
    assert slices.total(store, WHOLE, Where(known_at_us=arrived - 1)) == 0


def test_a_value_is_never_sql(store: DuckDBStore) -> None:
    assert slices.total(store, WHOLE, Where({"feature": "x' or '1'='1"})) == 0


@settings(max_examples=25, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    hours=st.lists(st.integers(0, 40 * 96), min_size=1, max_size=20),
)
def test_days_add_up_to_the_range_in_any_zone(
    tmp_path_factory: pytest.TempPathFactory, zone: str, hours: list[int]
) -> None:
    """40 days up to 18 November hold the night of 25 October, when clocks go back in Berlin."""
    ledger = DuckDBStore(tmp_path_factory.mktemp("zones") / "l.duckdb")
    bounds = day_bounds(40, NOW, ZoneInfo(zone))
    starts = [bounds[0] + quarter * HOUR_US // 4 for quarter in hours]
    starts = [start for start in starts if start < bounds[-1]]
    ledger.append(
        [call(n, start_time=start, cost_usd=(n + 1) * USD) for n, start in enumerate(starts)]
    )
    by_day = slices.by_stretch(ledger, bounds)
    series = slices.series(ledger, "feature", ["search"], bounds)
    ledger.close()
    expected = [
        sum((n + 1) * USD for n, start in enumerate(starts) if first <= start < last)
        for first, last in zip(bounds, bounds[1:], strict=False)
    ]
    assert [day.cost_pico for day in by_day] == expected
    assert series.get("search", [0] * 40) == expected
