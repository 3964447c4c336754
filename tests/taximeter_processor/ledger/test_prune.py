"""Old calls go, and no counter falls: what they added to it is kept."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger import carried, queries
from taximeter_processor.ledger.carried import Restated
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.prune import Going, prune_slice, would_go
from taximeter_processor.ledger.record import DeadLetter, Record, Restatement
from taximeter_processor.ledger.store import Changes, LedgerStore
from taximeter_processor.metrics.counters import BUCKETS_PICO, CostCounters
from taximeter_processor.reports.verify import verify
from tests.support.records import CALL, NOON_US, call
from tests.taximeter_processor.ledger.conftest import Reopen

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MIDNIGHT_US = NOON_US - 12 * HOUR_US
"""2026-11-18 00:00:00 UTC."""
OLD, YOUNG = MIDNIGHT_US - 1, MIDNIGHT_US
NONE = {"calls": 0, "first_counted": 0, "duplicates": 0, "restatements": 0, "dead_letters": 0}


def at(start_us: int, number: int, **changes: object) -> Record:
    changes = {"start_time": start_us, "ingested_at": start_us + 1_000_000, **changes}
    return call(number, **changes)


HISTORY = [
    at(OLD, 1),
    at(OLD, 2, status="unpriced", unpriced_reason="no_price", feature="own", first_cost_usd=0,
       cost_usd=0, input_cost_usd=0, cache_read_cost_usd=0, output_cost_usd=0),
    at(OLD, 3, status="cached", cost_usd=0, first_cost_usd=0, input_quantity=0, output_quantity=0,
       cache_read_quantity=0, input_cost_usd=0, cache_read_cost_usd=0, output_cost_usd=0),
    at(OLD, 4, is_backfill=True, ingested_at=NOON_US, feature=""),
    at(OLD, 5, other_meters='{"web_search": [2, "0.02"]}', cost_usd=20_236_800_000,
       first_cost_usd=20_236_800_000, tier_saved_usd=-5, feature="unknown"),
    at(OLD - 40 * DAY_US, 6, writer="second", first_cost_usd=150 * 10**12, cost_usd=150 * 10**12,
       input_cost_usd=150 * 10**12 - 196_800_000),
    at(YOUNG, 7),
    at(YOUNG, 8, feature="chat"),
]  # fmt: skip
"""One of each kind before the cut, two after it."""


def counters_of(store: LedgerStore, writer: str = "main") -> CostCounters:
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, writer)
    return counters


def shown(counters: CostCounters, now_us: int = NOON_US + DAY_US) -> dict[object, float]:
    """Every sample of every family."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in counters.collect(now_us)
        for sample in family.samples
    }


def prune_all(store: LedgerStore, until_us: int = MIDNIGHT_US, most: int = 20_000) -> list[Going]:
    slices = [prune_slice(store, until_us, BUCKETS_PICO, NOON_US, most)]
    while slices[-1].horizon_us < until_us:
        slices.append(prune_slice(store, until_us, BUCKETS_PICO, NOON_US, most))
    return slices


def in_all(slices: list[Going]) -> Going:
    removed = {table: sum(gone.removed[table] for gone in slices) for table in NONE}
    return Going(slices[-1].horizon_us, removed, sum(gone.cost_pico for gone in slices))


def assert_adds_up(store: LedgerStore) -> None:
    for writer in ("main", "second"):
        proof = verify(store, writer, counters_of(store, writer), NOON_US + DAY_US)
        assert proof["ok"], proof


def test_calls_that_began_before_the_moment_go_and_no_others(store: LedgerStore) -> None:
    store.append(HISTORY)
    gone = in_all(prune_all(store))
    assert gone.removed == {**NONE, "calls": 6}
    assert store.read("select span_id from calls order by span_id") == [
        (f"{8:016x}",),
        (f"{9:016x}",),
    ]


def test_no_counter_of_any_writer_falls(reopen: Reopen) -> None:
    store = reopen()
    store.append(HISTORY)
    before = {writer: shown(counters_of(store, writer)) for writer in ("main", "second")}
    prune_all(store)
    store = reopen()
    assert {w: shown(counters_of(store, w)) for w in before} == before
    assert_adds_up(store)


def test_counters_that_run_and_counters_seeded_after_pruning_go_on_alike(
    store: LedgerStore,
) -> None:
    mine = [record for record in HISTORY if record.writer == "main"]
    live = CostCounters(birth_hold_seconds=0)
    live.apply(store.append(mine))
    prune_all(store)
    again = counters_of(store)
    more = [at(NOON_US, 20), at(NOON_US, 21, feature="own")]
    live.apply(store.append(more))
    again.apply(more)
    assert shown(again) == shown(live) == shown(counters_of(store))


def test_label_sets_are_still_admitted_in_the_order_in_which_they_first_appeared(
    store: LedgerStore,
) -> None:
    store.append([at(OLD, 1, feature="z")])
    store.append([at(YOUNG, 2, feature="a"), at(YOUNG + 1, 3, feature="z")])
    prune_all(store)
    found = carried.counted(store, "main", BUCKETS_PICO)[carried.COST]
    assert [labels[0] for labels, _ in found] == ["z", "a"]
    (_, sums), _ = found
    assert sums["requests/priced"] == (2, OLD + 1_000_000)


def test_a_counter_born_a_moment_ago_is_still_held_after_its_rows_went(store: LedgerStore) -> None:
    store.append([at(OLD, 1, ingested_at=NOON_US)])
    prune_all(store)
    counters = CostCounters(birth_hold_seconds=120)
    counters.seed(store, "main")
    assert counters.totals(NOON_US + 1)["held"] == CALL.cost_usd
    assert counters.totals(NOON_US + 120_000_000)["counted"] == CALL.cost_usd


def test_restated_rows_go_with_their_first_cost_and_the_audit_s_sums_stay(
    store: LedgerStore,
) -> None:
    old, young = at(OLD, 1), at(YOUNG, 2)
    store.append([old, young])
    dearer = [r._replace(cost_usd=r.cost_usd + 5) for r in (old, young)]
    store.restate([Restatement(r, "price_changed", NOON_US) for r in dearer])
    store.restate([Restatement(old, "withdrawn", NOON_US + 1)])
    gone = in_all(prune_all(store))
    assert gone.removed == {**NONE, "calls": 1, "first_counted": 1, "restatements": 2}
    assert carried.restated(store) == [
        Restated("price_changed", 10, 0),
        Restated("withdrawn", 0, 5),
    ]
    assert_adds_up(store)


def test_tellings_that_were_not_counted_go_too(store: LedgerStore) -> None:
    ours = at(OLD, 1, response_id="one")
    theirs = ours._replace(span_id="f" * 16, emitter="gateway")
    store.append([ours])
    store.append([theirs])
    gone = in_all(prune_all(store))
    assert gone.removed["duplicates"] == 1


def test_dead_letters_that_came_before_it_go_too(store: LedgerStore) -> None:
    store.append([], [DeadLetter(t, "malformed", "", "peer", 1, "0" * 64) for t in (OLD, YOUNG)])
    gone = in_all(prune_all(store))
    assert gone.removed == {**NONE, "dead_letters": 1}


def test_hourly_sums_are_those_of_the_calls_that_are_left(store: LedgerStore) -> None:
    # Both in one hour: the cut is within it.
    store.append([at(NOON_US - 1, 1), at(NOON_US - 2, 2), at(NOON_US, 3)])
    prune_all(store, NOON_US - 1)
    assert store.read("select sum(requests), sum(cost_usd) from hourly") == [
        (2, Decimal("0.0004736"))
    ]
    prune_all(store, NOON_US + HOUR_US)
    assert store.read("select count(*) from hourly") == [(0,)]


def test_a_span_from_before_the_horizon_does_not_come_back(reopen: Reopen) -> None:
    store = reopen()
    store.append(HISTORY)
    prune_all(store)
    late = [record._replace(ingested_at=NOON_US + 2 * DAY_US) for record in HISTORY]
    assert store.append([*late, at(YOUNG, 9, ingested_at=NOON_US + 2 * DAY_US)]) == [
        at(YOUNG, 9, ingested_at=NOON_US + 2 * DAY_US)
    ]
    store = reopen()
    assert store.append(late) == []
    assert_adds_up(store)


def test_pruning_again_adds_to_what_is_carried(store: LedgerStore) -> None:
    store.append(HISTORY)
    before = shown(counters_of(store))
    prune_all(store)
    assert prune_all(store) == [Going(MIDNIGHT_US, NONE, 0)]
    prune_all(store, MIDNIGHT_US + DAY_US)
    assert store.read("select count(*) from calls") == [(0,)]
    assert carried.totals(store).rows == 8
    assert shown(counters_of(store)) == before
    assert_adds_up(store)


def test_the_horizon_goes_back_for_nobody(store: LedgerStore) -> None:
    store.append(HISTORY)
    prune_all(store)
    assert prune_slice(store, OLD, BUCKETS_PICO, NOON_US).removed == NONE
    assert queries.horizon_us(store) == MIDNIGHT_US


def test_slices_are_whole_minutes_of_about_as_many_calls_as_asked_for(store: LedgerStore) -> None:
    minute = 60_000_000
    store.append([at(MIDNIGHT_US - HOUR_US + n * minute // 4, n) for n in range(40)])
    slices = prune_all(store, most=10)
    assert [gone.removed["calls"] for gone in slices] == [8, 8, 8, 8, 8]
    assert slices[0].horizon_us == MIDNIGHT_US - HOUR_US + 2 * minute
    assert slices[-1].horizon_us == MIDNIGHT_US
    assert_adds_up(store)


def test_between_two_slices_everything_agrees(store: LedgerStore) -> None:
    store.append(HISTORY)
    before = shown(counters_of(store))
    prune_slice(store, MIDNIGHT_US, BUCKETS_PICO, NOON_US, most=1)
    assert queries.horizon_us(store) < MIDNIGHT_US
    assert shown(counters_of(store)) == before
    assert_adds_up(store)


def test_what_would_go_is_told_before_it_does(store: LedgerStore) -> None:
    store.append(HISTORY)
    told = would_go(store, MIDNIGHT_US)
    assert store.read("select count(*) from calls") == [(8,)]
    assert in_all(prune_all(store)) == told
    # 2 x $0.0002368 + $0.0202368 + $150; one is unpriced and one was cached.
    assert told.cost_pico == 150_020_710_400_000


def test_a_failure_midway_changes_nothing(store: LedgerStore) -> None:
    store.append(HISTORY)

    def work(changes: Changes) -> None:
        changes.execute("delete from calls")
        changes.execute("delete from nowhere")

    with pytest.raises(LedgerError, match="nowhere"):
        store.change(work)
    assert store.read("select count(*) from calls") == [(8,)]
    assert_adds_up(store)


_AGES = st.lists(
    st.tuples(st.integers(0, 200 * 24), st.booleans(), st.sampled_from(["main", "second"])),
    max_size=25,
    unique_by=lambda item: item[0],
)


@given(_AGES, st.lists(st.integers(0, 200), max_size=3), st.integers(1, 9))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_pruned_in_whatever_slices_the_counters_stay(
    tmp_path: Path, ages: list[tuple[int, bool, str]], cuts: list[int], most: int
) -> None:
    store = DuckDBStore(tmp_path / f"{uuid4()}.duckdb")
    store.append(
        [
            at(NOON_US - age * HOUR_US, age, writer=writer, is_backfill=is_backfill)
            for age, is_backfill, writer in ages
        ]
    )
    before = [shown(counters_of(store, writer)) for writer in ("main", "second")]
    for cut in cuts:
        prune_all(store, MIDNIGHT_US - cut * DAY_US, most)
    assert [shown(counters_of(store, writer)) for writer in ("main", "second")] == before
    assert_adds_up(store)
    store.close()
