"""One writer prunes while others are told old calls again and restate them: all count once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger import carried, queries
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.prune import prune_slice
from taximeter_processor.ledger.record import Record, Restatement
from taximeter_processor.metrics.counters import BUCKETS_PICO, CostCounters
from taximeter_processor.reports.verify import verify
from tests.support.records import CALL, NOON_US, call

WRITERS = ("one", "two", "three")
MINUTE_US = 60_000_000
CUT_US = NOON_US - 90 * 86_400_000_000
COUNT = 150
OLD = [
    call(n, writer="one", start_time=CUT_US - (COUNT - n) * MINUTE_US, ingested_at=NOON_US)
    for n in range(COUNT)
]


@pytest.fixture
def stores(postgres_url: str) -> Iterator[list[PostgresStore]]:
    opened = [PostgresStore(postgres_url, writer=name) for name in WRITERS]
    opened[0].append(OLD)
    yield opened
    for store in opened:
        store.close()


Result = TypeVar("Result")


def insist(work: Callable[[], Result]) -> Result:
    """Ask again as a sender does that was told to: others may come between often."""
    for _ in range(50):
        try:
            return work()
        except LedgerError as error:
            if "other writers came between" not in str(error):
                raise
    raise AssertionError("others came between every time")


def prune_all(store: PostgresStore) -> None:
    def slice_() -> int:
        return prune_slice(store, CUT_US, BUCKETS_PICO, NOON_US, most=40).horizon_us

    while insist(slice_) < CUT_US:
        pass


def tell_again(store: PostgresStore) -> list[Record]:
    """The newest first, so that they meet slices that are about to go; returns what was counted."""
    late = [record._replace(writer="two") for record in reversed(OLD)]
    return [
        record
        for _ in range(3)
        for start in range(0, COUNT, 50)
        for record in insist(partial(store.append, late[start : start + 50]))
    ]


def restate_all(store: PostgresStore) -> None:
    dearer = [record._replace(cost_usd=record.cost_usd + 7) for record in OLD]
    for start in range(0, COUNT, 50):
        batch = [
            Restatement(record, "price_changed", NOON_US) for record in dearer[start : start + 50]
        ]
        insist(partial(store.restate, batch))


def assert_adds_up(store: PostgresStore) -> None:
    for writer in WRITERS:
        counters = CostCounters(birth_hold_seconds=0)
        counters.seed(store, writer)
        proof = verify(store, writer, counters, NOON_US + MINUTE_US)
        assert proof["ok"], proof


@pytest.mark.parametrize("round_number", range(2))
def test_calls_that_go_while_they_are_told_again_were_counted_once(
    stores: list[PostgresStore], round_number: int
) -> None:
    pruning, telling, restating = stores
    with ThreadPoolExecutor(3) as pool:
        told = pool.submit(tell_again, telling)
        others = [pool.submit(prune_all, pruning), pool.submit(restate_all, restating)]
        for other in others:
            other.result(120)
        assert told.result(120) == []
    assert queries.horizon_us(pruning) == CUT_US
    assert queries.totals(pruning).rows == 0
    gone = carried.totals(pruning)
    assert (gone.rows, gone.first_cost_pico) == (COUNT, COUNT * CALL.cost_usd)
    restated = sum(change.up_pico for change in carried.restated(pruning))
    assert gone.cost_pico == COUNT * CALL.cost_usd + restated
    assert pruning.read("select count(*) from hourly") == [(0,)]
    assert_adds_up(pruning)


def test_a_pruned_ledger_takes_new_calls_by_every_writer(stores: list[PostgresStore]) -> None:
    prune_all(stores[1])
    for number, store in enumerate(stores):
        fresh = call(1000 + number, writer=WRITERS[number])
        assert store.append([fresh]) == [fresh]
    assert_adds_up(stores[0])
