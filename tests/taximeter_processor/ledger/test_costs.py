"""Costs in stretches of time add up to the whole."""

from __future__ import annotations

import random
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.buckets import INTERVALS, Interval, buckets
from taximeter_processor.ledger.costs import costs
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.store import LedgerStore
from tests.support.records import NOON_US, call, calls

DAY_US = 86_400_000_000
SPAN_US = 30 * DAY_US
FEATURES = ("search", "chat", "unknown", "")


def scattered(count: int) -> list[Record]:
    """Calls of a month around a change of clocks, some of them on the very bounds of hours."""
    chance = random.Random(7)
    first = NOON_US - 40 * DAY_US
    made = []
    for number in range(count):
        moment = first + chance.randrange(SPAN_US)
        if number % 5 == 0:
            moment -= moment % 3_600_000_000
        pico = chance.randrange(10**13)
        feature = FEATURES[number % 4]
        made.append(call(number, start_time=moment, feature=feature, cost_usd=pico))
    return made


def test_what_stretches_cost_is_the_sum_of_the_calls_that_began_in_them(
    store: LedgerStore,
) -> None:
    rows = scattered(400)
    store.append(rows)

    @given(
        st.sampled_from(sorted(available_timezones())),
        st.integers(NOON_US - 41 * DAY_US, NOON_US - 10 * DAY_US),
        st.integers(1, SPAN_US),
        st.sampled_from(INTERVALS),
    )
    @settings(deadline=None, max_examples=60)
    def check(zone: str, start: int, length: int, interval: Interval) -> None:
        pieces = buckets(interval, start, start + length, ZoneInfo(zone))
        bounds = [piece.start_us for piece in pieces] + [start + length]
        found = costs(store, ("feature",), bounds, {}, 10_000)
        expected: dict[tuple[int, str], int] = {}
        for number, piece in enumerate(pieces):
            for row in rows:
                if piece.start_us <= row.start_time < piece.end_us:
                    key = (number, row.feature or "unknown")
                    expected[key] = expected.get(key, 0) + row.cost_usd
        assert {(number, spend.group[0]): spend.cost_pico for number, spend in found} == expected
        whole = costs(store, (), [start, start + length], {}, 10)
        assert sum(spend.cost_pico for _, spend in found) == sum(s.cost_pico for _, s in whole)

    check()


def test_stretches_come_oldest_first_and_in_one_the_dearest(store: LedgerStore) -> None:
    dear = 10**12
    store.append(
        [
            call(1, feature="a", cost_usd=1),
            call(2, feature="b", cost_usd=dear),
            call(3, feature="a", start_time=NOON_US - DAY_US, cost_usd=3),
        ]
    )
    bounds = [NOON_US - DAY_US, NOON_US, NOON_US + DAY_US]
    found = costs(store, ("feature",), bounds, {}, 10)
    assert [(number, s.group, s.cost_pico) for number, s in found] == [
        (0, ("a",), 3),
        (1, ("b",), dear),
        (1, ("a",), 1),
    ]


def test_a_tag_that_is_called_unknown_is_one_with_the_absent(store: LedgerStore) -> None:
    store.append([call(1, team=""), call(2, team="unknown"), call(3)])
    where = {"team": "unknown"}
    ((_, spend),) = costs(store, ("team",), [NOON_US, NOON_US + 1], where, 10)
    assert (spend.group, spend.requests) == (("unknown",), 2)


def test_a_thousand_stretches_are_one_question(store: LedgerStore) -> None:
    hour = 3_600_000_000
    store.append([call(n, start_time=NOON_US + n * hour, cost_usd=n) for n in range(1000)])
    bounds = [NOON_US + n * hour for n in range(1001)]
    found = costs(store, (), bounds, {}, 2000)
    assert [(number, spend.cost_pico) for number, spend in found] == [(n, n) for n in range(1000)]


def test_a_filter_is_data_and_its_name_is_checked(store: LedgerStore) -> None:
    store.append(calls(1))
    bounds = [0, NOON_US * 2]
    assert costs(store, (), bounds, {"feature": "' or 1=1; --"}, 10) == []
    with pytest.raises(ValueError, match="is no filter"):
        costs(store, (), bounds, {"1=1 or feature": "x"}, 10)
