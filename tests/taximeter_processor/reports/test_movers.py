"""The features that moved most: their drivers, tenants and teams, and that everything adds up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.ledger import slices
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.filters import Where
from taximeter_processor.ledger.queries import Window
from taximeter_processor.ledger.record import Record
from taximeter_processor.reports.movers import movers
from tests.support.records import NOON_US, call

USD = 10**12
DAY_US = 86_400_000_000
AFTER = Window("after", NOON_US - DAY_US, NOON_US + 1)
BEFORE = Window("before", NOON_US - 3 * DAY_US, NOON_US - DAY_US)
EARLY = NOON_US - 2 * DAY_US


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DuckDBStore]:
    store = DuckDBStore(tmp_path / "l.duckdb")
    yield store
    store.close()


def spent(number: int, usd: int, **changes: object) -> Record:
    """A call of 100 output tokens and nothing else."""
    nothing = dict.fromkeys(("input_quantity", "cache_read_quantity"), 0)
    nothing |= dict.fromkeys(("input_cost_usd", "cache_read_cost_usd"), 0)
    pico = usd * USD
    amounts = {"output_quantity": 100, "output_cost_usd": pico, "cost_usd": pico}
    return call(number, **{**nothing, **amounts, **changes})


def test_the_feature_that_moved_most_comes_first_with_the_tenant_that_moved_it(
    ledger: DuckDBStore,
) -> None:
    ledger.append(
        [
            spent(1, 2, feature="chat", start_time=EARLY),
            spent(2, 2, feature="chat"),
            spent(3, 2, feature="chat", tenant="initech"),
            spent(4, 2, feature="chat", tenant="initech"),
            spent(5, 3, start_time=EARLY),
            spent(6, 9, feature="same", start_time=EARLY),
            spent(7, 9, feature="same"),
        ]
    )
    found = movers(ledger, BEFORE, AFTER, limit=5)
    first, second = found.rows
    assert (first.feature, first.pico, first.change_pico) == ("chat", (2 * USD, 6 * USD), 4 * USD)
    assert (first.tenant, first.tenant_change_pico) == ("initech", 4 * USD)
    assert first.drivers["new"] == 4 * USD
    assert (second.feature, second.drivers["gone"]) == ("search", -3 * USD)
    assert found.total == (14 * USD, 15 * USD)


def test_a_tenant_that_went_the_other_way_is_not_the_one_to_ask_about(ledger: DuckDBStore) -> None:
    ledger.append(
        [
            spent(1, 5, tenant="gone", start_time=EARLY),
            spent(2, 3, tenant="a"),
            spent(3, 4, tenant="b"),
        ]
    )
    (mover,) = movers(ledger, BEFORE, AFTER, limit=5).rows
    assert (mover.change_pico, mover.tenant) == (2 * USD, "b")


def test_teams_are_in_the_order_of_what_they_cost_after(ledger: DuckDBStore) -> None:
    ledger.append(
        [
            spent(1, 9, team="a", start_time=EARLY),
            spent(2, 1, team="a"),
            spent(3, 4, team="b"),
        ]
    )
    (mover,) = movers(ledger, BEFORE, AFTER, limit=5).rows
    assert mover.teams == ("b", "a")


def test_calls_without_a_price_are_counted_beside_in_both_windows(ledger: DuckDBStore) -> None:
    unpriced = {"status": "unpriced"}
    ledger.append(
        [
            spent(1, 1),
            spent(2, 0, **unpriced),
            spent(3, 0, **unpriced),
            spent(4, 0, start_time=EARLY, **unpriced),
            spent(5, 0, feature="chat", **unpriced),
        ]
    )
    found = movers(ledger, BEFORE, AFTER, limit=5)
    (mover,) = found.rows
    assert (mover.unpriced, found.unpriced) == ((1, 2), (1, 3))
    assert (mover.drivers["new"], sum(mover.drivers.values())) == (USD, USD)


def test_a_change_below_the_least_moves_nothing(ledger: DuckDBStore) -> None:
    ledger.append([spent(1, 2), spent(2, 1, feature="chat")])
    found = movers(ledger, BEFORE, AFTER, limit=5, least_pico=2 * USD)
    assert [mover.feature for mover in found.rows] == ["search"]
    assert found.total == (0, 3 * USD)


DAYS = 6
FIRST = NOON_US - DAYS * DAY_US
FILTERS = [
    {},
    {"feature": "chat"},
    {"tenant": "unknown"},
    {"model": "large", "team": "ops"},
    {"status": "unpriced"},
]


@st.composite
def records(draw: st.DrawFn, number: int) -> Record:
    meters = draw(st.tuples(*[st.integers(0, 10**13)] * 5))
    status = draw(st.sampled_from(["priced", "priced", "unpriced"]))
    costs = meters if status == "priced" else (0,) * 5
    return call(
        number,
        status=status,
        feature=draw(st.sampled_from(["chat", "search", ""])),
        tenant=draw(st.sampled_from(["acme", "unknown", ""])),
        team=draw(st.sampled_from(["growth", "ops"])),
        model=draw(st.sampled_from(["small", "large"])),
        start_time=FIRST + DAY_US * draw(st.integers(0, DAYS - 1)),
        input_quantity=draw(st.integers(0, 10**6)),
        output_quantity=draw(st.integers(0, 10**6)),
        input_cost_usd=costs[0],
        cache_read_cost_usd=costs[1],
        cache_write_cost_usd=costs[2],
        output_cost_usd=costs[3],
        cost_usd=sum(costs),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> list[Record]:
    return [draw(records(number)) for number in range(draw(st.integers(0, 25)))]


@st.composite
def windows(draw: st.DrawFn) -> Window:
    first = draw(st.integers(0, DAYS - 1))
    last = draw(st.integers(first + 1, DAYS))
    return Window("any", FIRST + first * DAY_US, FIRST + last * DAY_US)


@settings(max_examples=60, deadline=None)
@given(ledgers(), windows(), windows(), st.sampled_from(FILTERS))
def test_the_drivers_of_all_rows_add_up_to_the_difference_of_the_ledger(
    tmp_path_factory: pytest.TempPathFactory,
    calls: list[Record],
    before: Window,
    after: Window,
    values: dict[str, str],
) -> None:
    ledger = DuckDBStore(tmp_path_factory.mktemp("movers") / "l.duckdb")
    ledger.append(calls)
    where = Where(values)
    found = movers(ledger, before, after, where, limit=5)
    totals = [slices.total(ledger, window, where) for window in (before, after)]
    own = {
        mover.feature: [
            slices.total(ledger, window, where._replace(among={"feature": [mover.feature]}))
            for window in (before, after)
        ]
        for mover in found.rows
    }
    ledger.close()
    assert sum(sum(mover.drivers.values()) for mover in found.rows) == totals[1] - totals[0]
    assert found.total == (totals[0], totals[1])
    for mover in found.rows:
        assert [*mover.pico] == own[mover.feature]
        assert sum(mover.drivers.values()) == mover.change_pico
