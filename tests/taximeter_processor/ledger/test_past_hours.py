"""Past hours of the embedded ledger are read from sums that are those of the calls, always."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.ledger import queries
from taximeter_processor.ledger.costs import costs
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.erase import erase_slice
from taximeter_processor.ledger.hourly import HOUR_US, hours_that_differ
from taximeter_processor.ledger.prune import prune_slice
from taximeter_processor.ledger.record import Record, Restatement
from taximeter_processor.ledger.summed import CALLS, summed
from taximeter_processor.metrics.counters import BUCKETS_PICO
from tests.support.records import NOON_US, call

MINUTE_US = 60_000_000


def at(start_us: int, number: int, **changes: object) -> Record:
    """A call that arrives a second after its start."""
    return call(number, **{"start_time": start_us, "ingested_at": start_us + 1_000_000, **changes})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DuckDBStore]:
    """Three hours until noon with a call each, and one at five past three: noon is summed up."""
    store = DuckDBStore(tmp_path / "ledger.duckdb")
    for back in (3, 2, 1):
        store.append([at(NOON_US - back * HOUR_US, back, tenant=f"t{back}")])
    store.append([at(NOON_US, 4)])
    store.append([at(NOON_US + 15 * MINUTE_US, 5)])
    yield store
    store.close()


def until(store: DuckDBStore) -> list[int | None]:
    return [sums.until_us for sums in store.hourly_sums()]


def wrong(store: DuckDBStore) -> int:
    return sum(hours_that_differ(store, sums) for sums in store.hourly_sums())


def rows(store: DuckDBStore, table: str = "hourly_by_tenant") -> int:
    ((count,),) = store.read(f"select count(*) from {table}")
    return int(count)


def test_an_hour_is_summed_up_ten_minutes_after_its_end(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "ledger.duckdb")
    store.append([at(NOON_US - HOUR_US, 1)])
    store.append([at(NOON_US + 10 * MINUTE_US - 1_000_001, 2)])
    assert until(store) == [NOON_US - HOUR_US] * 2
    store.append([at(NOON_US + 10 * MINUTE_US - 1_000_000, 3)])
    assert until(store) == [NOON_US] * 2
    store.close()


def test_a_day_is_summed_up_at_a_time(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "ledger.duckdb")
    store.append([at(NOON_US - 50 * HOUR_US, 1)])
    found = []
    for number in range(4):
        store.append([at(NOON_US + 20 * MINUTE_US, 2 + number)])
        found.append(until(store)[0])
    assert found == [NOON_US - back * HOUR_US for back in (27, 3, 0, 0)]
    store.close()


def test_sums_are_known_after_a_restart(ledger: DuckDBStore) -> None:
    ledger.close()
    again = DuckDBStore(ledger.path)
    assert until(again) == [NOON_US, NOON_US]
    again.close()


def test_a_stretch_is_read_from_hours_and_at_its_ends_from_calls(ledger: DuckDBStore) -> None:
    bounds = (NOON_US - 3 * HOUR_US, NOON_US + HOUR_US)
    assert "hourly_by_tags" in summed(ledger, ["feature"], bounds).table
    assert "hourly_by_tenant" in summed(ledger, ["tenant"], bounds).table
    assert summed(ledger, ["tenant", "feature"], bounds) is CALLS
    cut = queries.spend(ledger, ["team"], bounds[0] + 1, bounds[1])
    assert [(found.requests, found.cost_pico) for found in cut] == [(4, 4 * 236_800_000)]


def test_where_bounds_cut_most_hours_calls_are_read(ledger: DuckDBStore) -> None:
    halves = [NOON_US - 3 * HOUR_US + half * 30 * MINUTE_US for half in range(7)]
    assert summed(ledger, [], halves) is CALLS
    assert summed(ledger, [], [*halves[:2], NOON_US]) is not CALLS


def test_an_hour_that_a_bound_cuts_is_read_from_its_calls(ledger: DuckDBStore) -> None:
    forge(ledger)
    start, cut = NOON_US - 3 * HOUR_US, NOON_US - 90 * MINUTE_US
    halves = costs(ledger, (), [start, cut, NOON_US], {}, 10)
    # Of the forged sums are the first hour and the last; the call of the second began on the hour.
    assert [(number, spend.requests) for number, spend in halves] == [(0, 7 + 1), (1, 7)]


def forge(ledger: DuckDBStore) -> None:
    """Make the sums seven times the calls, so that it shows which of the two were read."""

    def work(changes: object) -> None:
        ledger._writer.execute("update hourly_by_tags set requests = 7 * requests")

    ledger.change(work)


def test_the_sums_are_what_is_read(ledger: DuckDBStore) -> None:
    forge(ledger)
    found = queries.spend(ledger, ["feature"], NOON_US - 3 * HOUR_US, NOON_US + HOUR_US)
    assert found[0].requests == 3 * 7 + 2
    assert wrong(ledger) == 3


def test_a_late_call_is_added_to_its_hour_at_once(ledger: DuckDBStore) -> None:
    late = at(NOON_US - 2 * HOUR_US + 5, 9, ingested_at=NOON_US + 16 * MINUTE_US, cost_usd=7)
    ledger.append([late])
    hour = (NOON_US - 2 * HOUR_US, NOON_US - HOUR_US)
    assert queries.spend(ledger, ["feature"], *hour)[0].cost_pico == 236_800_007
    assert wrong(ledger) == 0


def test_an_hour_that_changed_is_summed_up_afresh_a_minute_later(ledger: DuckDBStore) -> None:
    early = NOON_US - 2 * HOUR_US
    late = [at(early + n, 10 + n, ingested_at=NOON_US + 16 * MINUTE_US) for n in range(3)]
    for one in late:
        ledger.append([one])
    assert rows(ledger, "hourly_by_tags") == 3 + 3
    ledger.append([at(NOON_US + 18 * MINUTE_US, 20)])
    assert rows(ledger, "hourly_by_tags") == 3
    assert wrong(ledger) == 0


def test_a_restated_call_changes_its_hour(ledger: DuckDBStore) -> None:
    dearer = at(NOON_US - HOUR_US, 1, tenant="t1", team="other", cost_usd=10**12)
    ledger.restate([Restatement(dearer, "price_corrected", NOON_US)])
    found = queries.spend(ledger, ["team"], NOON_US - 3 * HOUR_US, NOON_US)
    assert [(s.group, s.cost_pico) for s in found] == [
        (("other",), 10**12),
        (("growth",), 2 * 236_800_000),
    ]
    assert wrong(ledger) == 0


def test_no_name_and_no_empty_sum_is_left_of_what_went(ledger: DuckDBStore) -> None:
    erase_slice(ledger, ["t2"], 0, NOON_US)
    assert [s.group for s in queries.spend(ledger, ["tenant"], 0, NOON_US)] == [
        ("forgotten",),
        ("t1",),
        ("t3",),
    ]
    assert ledger.read("select count(*) from hourly_by_tenant where tenant = 't2'") == [(0,)]
    prune_slice(ledger, NOON_US - HOUR_US, BUCKETS_PICO, NOON_US)
    assert rows(ledger) == 1
    assert wrong(ledger) == 0


_TIMES = st.integers(-30 * HOUR_US, HOUR_US).map(lambda late: NOON_US + late)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(_TIMES, max_size=5)),
        st.tuples(st.just("restate"), st.integers(0, 20)),
        st.tuples(st.just("prune"), _TIMES),
        st.tuples(st.just("forget"), st.integers(0, 2)),
    ),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_sums_are_those_of_the_calls_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    store = DuckDBStore(tmp_path_factory.mktemp("ledger") / "ledger.duckdb")
    told: list[Record] = []
    clock = NOON_US
    for what, argument in steps:
        clock += 7 * MINUTE_US
        if isinstance(argument, list):
            fresh = [
                at(start, len(told) + n, ingested_at=clock, tenant=f"t{start % 3}")
                for n, start in enumerate(argument)
            ]
            told += fresh
            store.append(fresh)
        elif what == "prune" and isinstance(argument, int):
            prune_slice(store, argument, BUCKETS_PICO, clock, most=2)
        elif what == "forget":
            erase_slice(store, [f"t{argument}"], 0, clock, most=2)
        elif told and isinstance(argument, int):
            one = told[argument % len(told)]._replace(cost_usd=argument, team=f"team{argument % 2}")
            store.restate([Restatement(one, "price_corrected", clock)])
        assert wrong(store) == 0
        for group in (["team"], ["tenant"]):
            bounds = (NOON_US - 31 * HOUR_US, clock + HOUR_US)
            by_calls = store.read(
                f"select {group[0]}, sum(cost_usd), count(*) from calls group by 1 order by 1"
            )
            found = queries.spend(store, group, *bounds)
            assert sorted((s.group[0], s.cost_pico, s.requests) for s in found) == [
                (name, int(cost * 10**12), count) for name, cost, count in by_calls
            ]
    store.close()
