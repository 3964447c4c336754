"""Single calls come page by page, in either order, each once."""

from __future__ import annotations

from typing import Any

import pytest

from taximeter_processor.ledger.drill import Order, place_of, requests
from taximeter_processor.ledger.store import LedgerStore
from tests.support.records import NOON_US, call, calls

DAY_US = 86_400_000_000
USD = 10**12


def walk(store: LedgerStore, order: Order, *, page: int) -> list[dict[str, Any]]:
    """All pages, while calls that would be on the first of them come in."""
    told: list[dict[str, Any]] = []
    after = None
    while found := requests(store, NOON_US, NOON_US + DAY_US, {}, page, order=order, after=after):
        told += found
        after = place_of(found[-1])
        moment = NOON_US + 1000 + len(told)
        dearer = 10 * USD if order == "dearest" else 0
        store.append([call(1000 + len(told), start_time=moment, cost_usd=dearer)])
    return told


def test_pages_tell_every_call_once_though_others_come_in(store: LedgerStore) -> None:
    # Several calls began in the same microsecond: their ids decide.
    rows = [call(n, start_time=NOON_US + n // 3) for n in range(20)]
    store.append(rows)
    told = walk(store, "newest", page=3)
    assert [row["span_id"] for row in told] == [row.span_id for row in reversed(rows)]


def test_pages_of_the_dearest_go_by_cost_then_time_then_ids(store: LedgerStore) -> None:
    # Costs differ by a pico-dollar, as no float could tell; 4 moments, 3 costs.
    rows = [call(n, start_time=NOON_US + n % 4, cost_usd=USD + n % 3) for n in range(24)]
    store.append(rows)
    told = walk(store, "dearest", page=5)
    expected = sorted(rows, key=lambda row: (row.cost_usd, row.start_time, row.trace_id))
    assert [row["span_id"] for row in told] == [row.span_id for row in reversed(expected)]


def test_a_call_is_told_as_it_is_stored(store: LedgerStore) -> None:
    store.append(calls(1, cache_write_tokens=None))
    (row,) = requests(store, NOON_US, NOON_US + 1, {"feature": "search", "tenant": "acme"}, 10)
    assert (row["start_time"], row["ingested_at"]) == (NOON_US, NOON_US + 2_000_000)
    assert (row["cost_usd"], row["list_cost_usd"]) == (236_800_000, 496_000_000)
    assert (row["cache_read_tokens"], row["cache_write_tokens"]) == (1152, None)


@pytest.mark.parametrize("order", ["newest", "dearest"])
def test_what_carries_no_tag_is_found_as_unknown(store: LedgerStore, order: Order) -> None:
    store.append([call(1, team=""), call(2, team="unknown"), call(3)])
    found = requests(store, NOON_US, NOON_US + 1, {"team": "unknown"}, 10, order=order)
    assert {row["team"] for row in found} == {"", "unknown"}
