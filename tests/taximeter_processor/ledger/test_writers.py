"""Several writers on one ledger at once: each call is counted once, by whichever comes first."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from taximeter_processor.errors import LedgerBusy
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.record import Record, Restatement
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.reports.verify import verify
from tests.support.records import CALL, NOON_US, call
from tests.support.servers import Postgres
from tests.taximeter_processor.ledger.test_identity import BELOW, SUM

WRITERS = ("one", "two", "three")
MONTH_US = 31 * 86_400_000_000
PICO = CALL.cost_usd


@pytest.fixture
def stores(postgres_url: str) -> Iterator[list[PostgresStore]]:
    opened = [PostgresStore(postgres_url, writer=name) for name in WRITERS]
    yield opened
    for store in opened:
        store.close()


def at_once(works: Sequence[Callable[[], object]]) -> None:
    """Every work in a thread of its own, begun at the same moment."""
    barrier = threading.Barrier(len(works))

    def begin(work: Callable[[], object]) -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(begin, work) for work in works]:
            done.result(60)


def append_all(store: PostgresStore, batches: Sequence[Sequence[Record]]) -> int:
    return sum(len(store.append(batch)) for batch in batches)


def mine(store: PostgresStore, records: Sequence[Record]) -> list[Record]:
    """The records as this writer would book them."""
    assert store._session is not None
    return [record._replace(writer=store._session.writer) for record in records]


def tellings(number: int) -> tuple[Record, Record]:
    """The same call told by Taximeter and, in another trace, by a gateway."""
    ours = call(
        2 * number,
        trace_id=f"{number + 1:032x}",
        response_id=f"resp-{number}",
        dialect="taximeter",
        start_time=NOON_US + number * 1000,
    )
    theirs = ours._replace(
        span_id=f"{2 * number + 2:016x}", trace_id=f"{number + 1:x}".rjust(32, "e"),
        emitter="gateway", dialect="otel", start_time=ours.start_time + 10,
    )  # fmt: skip
    return ours, theirs


def assert_adds_up(store: PostgresStore) -> None:
    for writer in WRITERS:
        counters = CostCounters(birth_hold_seconds=0)
        counters.seed(store, writer)
        proof = verify(store, writer, counters, NOON_US + 60_000_000)
        assert proof["ok"], proof


def test_the_same_rows_sent_to_all_at_once_are_counted_once(stores: list[PostgresStore]) -> None:
    records = [call(n, start_time=NOON_US - n * MONTH_US // 40) for n in range(120)]
    counted: list[int] = []

    def send(store: PostgresStore, seed: int) -> None:
        own = mine(store, records)
        random.Random(seed).shuffle(own)
        counted.append(append_all(store, [own[i : i + 30] for i in range(0, 120, 30)]))

    at_once([lambda s=s, n=n: send(s, n) for n, s in enumerate(stores)])  # type: ignore[misc]
    assert sum(counted) == 120
    assert stores[0].read("select count(*), sum(cost_usd) from calls") == [
        (120, Decimal(120 * PICO).scaleb(-12))
    ]
    assert_adds_up(stores[0])


def test_a_month_that_begins_for_all_at_once_has_one_partition(
    stores: list[PostgresStore],
) -> None:
    at_once([
        lambda s=s, n=n: s.append([call(n * 100 + m, start_time=NOON_US + m * MONTH_US) for m in range(12)])  # type: ignore[misc]  # noqa: E501
        for n, s in enumerate(stores)
    ])  # fmt: skip
    assert stores[0].read("select count(*) from calls") == [(36,)]


@pytest.mark.parametrize("round_number", range(5))
def test_two_tellings_at_the_same_moment_at_two_writers_are_one_call(
    stores: list[PostgresStore], round_number: int
) -> None:
    pairs = [tellings(number) for number in range(60)]
    ours = [[pair[0]] for pair in pairs]
    theirs = [[pair[1]] for pair in pairs]
    if round_number % 2:
        theirs.reverse()
    at_once(
        [
            lambda: append_all(stores[0], [mine(stores[0], batch) for batch in ours]),
            lambda: append_all(stores[1], [mine(stores[1], batch) for batch in theirs]),
        ]
    )
    assert stores[2].read("select count(*), sum(cost_usd) from calls") == [
        (60, Decimal(60 * PICO).scaleb(-12))
    ]
    assert stores[2].read("select count(*) from duplicates") == [(60,)]
    assert_adds_up(stores[2])


def test_batches_of_many_calls_told_crosswise_end_without_waiting_for_each_other(
    stores: list[PostgresStore],
) -> None:
    pairs = [tellings(number) for number in range(300)]
    sent: list[list[Record]] = []
    for seed, store in enumerate(stores):
        chance = random.Random(seed)
        own = mine(store, [chance.choice(pair) for pair in pairs] + [p[0] for p in pairs])
        chance.shuffle(own)
        sent.append(own)

    def send(store: PostgresStore, own: list[Record]) -> None:
        append_all(store, [own[i : i + 100] for i in range(0, len(own), 100)])

    at_once([lambda s=s, r=r: send(s, r) for s, r in zip(stores, sent, strict=True)])  # type: ignore[misc]
    assert stores[0].read("select count(*), sum(cost_usd) from calls") == [
        (300, Decimal(300 * PICO).scaleb(-12))
    ]
    assert_adds_up(stores[0])


def test_a_sum_its_calls_and_what_lies_between_may_come_to_three_writers_at_once(
    stores: list[PostgresStore],
) -> None:
    traces = [f"{number:032x}" for number in range(1, 41)]
    sums, below = (
        [[record._replace(trace_id=trace) for record in records] for trace in traces]
        for records in ([SUM], BELOW)
    )
    links = [{(trace, "8" * 16): "9" * 16} for trace in traces]

    def link() -> None:
        for found in random.Random(1).sample(links, len(links)):
            stores[2].append([], links=found)

    at_once(
        [
            lambda: append_all(stores[0], [mine(stores[0], batch) for batch in sums]),
            lambda: append_all(stores[1], [mine(stores[1], batch) for batch in below[::-1]]),
            link,
        ]
    )
    assert stores[0].read("select count(*), count(distinct span_id) from calls") == [(80, 2)]
    assert stores[0].read("select count(*) from duplicates") == [(40,)]
    assert_adds_up(stores[0])


def test_restatements_of_the_same_rows_by_all_at_once_are_all_in_the_audit(
    stores: list[PostgresStore],
) -> None:
    records = [call(n, writer="one") for n in range(50)]
    stores[0].append(records)

    def restate(store: PostgresStore, number: int) -> None:
        own = list(records)
        random.Random(number).shuffle(own)
        changed = [r._replace(cost_usd=r.cost_usd + number + 1) for r in own]
        store.restate([Restatement(r, "price_corrected", NOON_US) for r in changed])

    at_once([lambda s=s, n=n: restate(s, n) for n, s in enumerate(stores)])  # type: ignore[misc]
    assert stores[0].read("select count(*) from restatements") == [(150,)]
    assert_adds_up(stores[0])


def test_a_second_holder_of_a_name_is_told_what_to_do(
    postgres: Postgres, postgres_url: str
) -> None:
    first = PostgresStore(postgres_url, writer="main")
    with pytest.raises(LedgerBusy, match="another process is writer 'main' .*name of its own"):
        PostgresStore(postgres_url, writer="main")
    first.close()
    PostgresStore(postgres_url, writer="main").close()
