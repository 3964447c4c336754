"""Numbers of spans reach the one who watches for gaps, whichever writer the spans came to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.errors import LedgerError
from taximeter_processor.gaps import GRACE_US, Gaps
from taximeter_processor.ledger import postgres_arrivals
from taximeter_processor.ledger.arrivals import Arrival, Arrived, Stretch, spread, stretches
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.record import DeadLetter
from taximeter_processor.ledger.store import LedgerStore
from tests.support.records import NOON_US
from tests.support.servers import wait_for

PROCESS = f"{NOON_US // 1000 + 3_600_000:012x}00000001"
"""Born an hour after noon."""


def numbers(*found: int) -> list[Arrival]:
    return [(PROCESS, number, "shop") for number in found]


@pytest.fixture
def stores(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PostgresStore]]:
    """Three writers, of which the first watches; each asks anew at every commit."""
    monkeypatch.setattr(postgres_arrivals, "POLL_SECONDS", 0)
    monkeypatch.setattr(postgres_arrivals, "ATTEMPT_SECONDS", 0)
    opened = [PostgresStore(postgres_url, writer=name) for name in ("one", "two", "three")]
    opened[0].append([])
    yield opened
    for store in opened:
        store.close()


def test_what_comes_to_a_lone_writer_is_watched_there(store: LedgerStore) -> None:
    store.append([], arrivals=numbers(1, 2))
    store.append([], arrivals=numbers(3))
    assert store.arrived().arrivals == numbers(1, 2, 3)
    assert store.arrived().arrivals == []


def test_a_commit_that_fails_brings_no_numbers(store: LedgerStore) -> None:
    with pytest.raises(LedgerError):
        store.append([], [DeadLetter(NOON_US, "", "", "", 2**70, "")], arrivals=numbers(1))
    assert store.arrived().arrivals == []


def test_whatever_comes_to_the_others_comes_to_the_one_who_watches(
    stores: list[PostgresStore],
) -> None:
    chance = random.Random(3)
    sent = [number for number in range(1, 301) if number not in (50, 51, 200)]
    chance.shuffle(sent)
    for start in range(0, len(sent), 11):
        chance.choice(stores).append([], arrivals=numbers(*sent[start : start + 11]))
    stores[0].append([])
    assert [store.arrived().arrivals for store in stores[1:]] == [[], []]
    gaps = Gaps(NOON_US)
    now_us = NOON_US + 2 * 3_600_000_000
    watched = stores[0].arrived()
    gaps.observe(watched.arrivals, now_us)
    assert gaps.observe([], now_us + GRACE_US).missing == Counter(shop=3)


def test_when_the_one_who_watches_ends_another_begins_anew_and_is_told_so(
    stores: list[PostgresStore],
) -> None:
    stores[1].append([], arrivals=numbers(1))
    stores[2].append([], arrivals=numbers(2))
    stores[0].close()

    def next_watch() -> Arrived:
        stores[2].append([])
        return stores[2].arrived()

    assert stores[0].arrived().watch == 1
    assert stores[2].arrived() == (0, [])
    assert wait_for("the next watch", lambda: found if (found := next_watch()).watch else None) == (
        1,
        numbers(1, 2),
    )


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 30), st.sampled_from("xy"))))
def test_stretches_are_the_numbers_and_never_touch(arrived: list[Arrival]) -> None:
    found = list(stretches(arrived))
    assert sorted(spread(found)) == sorted(set(arrived))
    for one, other in zip(found, found[1:], strict=False):
        assert one[::3] != other[::3] or one.last + 1 < other.first


def test_neighbours_are_one_stretch() -> None:
    assert list(stretches(numbers(3, 1, 2, 7))) == [
        Stretch(PROCESS, 1, 3, "shop"),
        Stretch(PROCESS, 7, 7, "shop"),
    ]
