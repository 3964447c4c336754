"""Stored usage at new prices: reports follow, counters do not move, and both sums still agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from taximeter_processor.costing import book as booked
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.model import Usage
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.reports import reprice as module
from taximeter_processor.reports.asked import iso
from taximeter_processor.reports.reprice import Question, added_up, reprice_slice
from taximeter_processor.reports.verify import verify
from tests.support.records import NOON_US, call
from tests.taximeter_processor.test_costing import CALL

MINUTE_US = 60_000_000
LATER_US = NOON_US + 60 * MINUTE_US
EVER = Question(iso(NOON_US - MINUTE_US), iso(LATER_US))
OWN = "{provider: ollama, model: own, rates: {input: 1, cache_read: 0.1, output: 2}}"


@pytest.fixture(scope="module")
def listed() -> PriceBook:
    return PriceBook.load()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path / "l.duckdb")
    yield opened
    opened.close()


def book_with(*texts: str) -> PriceBook:
    return PriceBook.load([PriceOverride.model_validate(yaml.safe_load(text)) for text in texts])


def stored(store: DuckDBStore, prices: PriceBook, number: int = 0, **changes: Any) -> Record:
    """One call, priced as it would have been when it came."""
    changed = CALL._replace(span_id=f"{number + 1:016x}", **changes)
    record = booked(changed, prices, writer="main", now_us=NOON_US, backfill_before_us=0)
    store.append([record])
    return record


def own(store: DuckDBStore, prices: PriceBook, number: int = 0, **changes: Any) -> Record:
    """A call of a model that no price list knows."""
    return stored(
        store,
        prices,
        number,
        provider="ollama",
        request_model="own",
        response_model="own",
        **changes,
    )


def columns(store: DuckDBStore, *names: str) -> list[tuple[Any, ...]]:
    return store.read(f"select {', '.join(names)} from calls order by span_id")


def test_an_unpriced_call_gets_the_price_that_was_added(
    store: DuckDBStore, listed: PriceBook
) -> None:
    own(store, listed)
    answer = reprice_slice(store, book_with(OWN), EVER, LATER_US)
    # 160 × $1, 1152 × $0.10 and 84 × $2 a million.
    assert answer["changes"] == [
        {
            "provider": "ollama",
            "model": "own",
            "reason": "price_added",
            "calls": 1,
            "old_usd": "0.0",
            "new_usd": "0.0004432",
        }
    ]
    row = columns(store, "status", "unpriced_reason", "cost_usd::varchar", "price_source")
    assert row == [("priced", "", "0.000443200000", "override=ollama/own")]


def test_old_new_reason_and_time_are_kept(store: DuckDBStore, listed: PriceBook) -> None:
    stored(store, listed)
    reprice_slice(store, book_with("{model: gpt-5-mini, percent: -50}"), EVER, LATER_US)
    assert store.read(
        "select reason, old_cost_usd::varchar, new_cost_usd::varchar, epoch_us(restated_at) "
        "from restatements"
    ) == [("price_changed", "0.000236800000", "0.000118400000", LATER_US)]


def test_counters_stay_and_every_sum_agrees(store: DuckDBStore, listed: PriceBook) -> None:
    stored(store, listed, 0)
    own(store, listed, 1)
    stored(store, listed, 2, usage=CALL.usage._replace(web_search_requests=2))
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, "main")
    before = counters.totals(LATER_US)
    reprice_slice(store, book_with(OWN, "{model: gpt-5-mini, percent: 10}"), EVER, LATER_US)
    again = CostCounters(birth_hold_seconds=0)
    again.seed(store, "main")
    assert again.totals(LATER_US) == before
    checked = verify(store, "main", again, LATER_US)
    assert checked["ok"], checked["checks"]


def test_a_second_time_changes_nothing(store: DuckDBStore, listed: PriceBook) -> None:
    own(store, listed)
    prices = book_with(OWN)
    reprice_slice(store, prices, EVER, LATER_US)
    assert reprice_slice(store, prices, EVER, LATER_US)["changes"] == []
    assert store.read("select count(*) from restatements") == [(1,)]


def test_a_price_list_of_another_name_and_the_same_rates_restates_nothing(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, listed)
    renamed = book_with("{model: gpt-5-mini, percent: 0}")
    assert renamed.version != listed.version
    assert reprice_slice(store, renamed, EVER, LATER_US)["changes"] == []


def test_a_dry_run_tells_the_same_and_changes_nothing(
    store: DuckDBStore, listed: PriceBook
) -> None:
    own(store, listed)
    prices = book_with(OWN)
    told = reprice_slice(store, prices, EVER._replace(dry_run=True), LATER_US)
    assert columns(store, "status") == [("unpriced",)]
    assert reprice_slice(store, prices, EVER, LATER_US) == told


def test_a_call_never_loses_the_price_it_has(store: DuckDBStore, listed: PriceBook) -> None:
    own(store, book_with(OWN))
    assert reprice_slice(store, listed, EVER, LATER_US)["changes"] == []
    assert columns(store, "status", "cost_usd::varchar") == [("priced", "0.000443200000")]


def test_each_call_is_repriced_at_its_own_time(store: DuckDBStore, listed: PriceBook) -> None:
    day_us = 24 * 60 * MINUTE_US
    for number, days in enumerate((0, 1)):
        start = NOON_US + days * day_us
        own(store, listed, number, start_us=start, end_us=start + 1, usage=Usage(1_000_000, 0))
    dated = [
        "{provider: ollama, model: own, until: 2026-11-18, rates: {input: 1}}",
        "{provider: ollama, model: own, from: 2026-11-19, rates: {input: 3}}",
    ]
    asked = EVER._replace(until=iso(NOON_US + 2 * day_us))
    reprice_slice(store, book_with(*dated), asked, LATER_US)
    assert columns(store, "cost_usd::integer") == [(1,), (3,)]


def test_what_a_price_took_apart_is_priced_anew_from_the_whole(
    store: DuckDBStore, listed: PriceBook
) -> None:
    before = stored(
        store,
        listed,
        provider="perplexity",
        request_model="sonar-deep-research",
        response_model="sonar-deep-research",
        usage=Usage(100, 1000, reasoning_tokens=400),
    )
    assert "output_reasoning" in (before.other_meters or "")
    whole = "{model: sonar-deep-research, provider: perplexity, percent: 100}"
    reprice_slice(store, book_with(whole), EVER, LATER_US)
    reprice_slice(store, listed, EVER, LATER_US)
    ((cost,),) = columns(store, "cost_usd")
    assert int(cost.scaleb(12)) == before.cost_usd
    assert columns(store, "other_meters") == [(before.other_meters,)]


def test_cached_answers_stay_free_and_list_what_they_avoided_at_the_new_price(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, listed, is_cache_hit=True)
    reprice_slice(store, book_with("{model: gpt-5-mini, percent: 100}"), EVER, LATER_US)
    found = columns(store, "status", "cost_usd::varchar", "list_cost_usd::varchar")
    assert found == [("cached", "0.000000000000", "0.000473600000")]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"usage_status": "estimated"}, "unpriced"),
        ({"usage": Usage(), "usage_status": "missing"}, "unpriced"),
        ({"usage": Usage(), "usage_status": "missing", "is_error": True}, "failed"),
    ],
)
def test_what_is_not_known_does_not_become_known(
    store: DuckDBStore, listed: PriceBook, changes: dict[str, Any], status: str
) -> None:
    own(store, listed, **changes)
    assert reprice_slice(store, book_with(OWN), EVER, LATER_US)["changes"] == []
    assert columns(store, "status") == [(status,)]


def test_only_the_named_provider_and_model_are_repriced(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, listed, 0)
    own(store, listed, 1)
    prices = book_with(OWN, "{model: gpt-5-mini, percent: 10}")
    for named in ({"provider": "ollama"}, {"model": "own"}):
        found = reprice_slice(store, prices, EVER._replace(dry_run=True, **named), LATER_US)
        assert [change["model"] for change in found["changes"]] == ["own"]
    asked_for = EVER._replace(dry_run=True, model="gpt-5-mini-2025-08-07")
    assert len(reprice_slice(store, prices, asked_for, LATER_US)["changes"]) == 1


def test_slices_go_on_where_the_last_one_ended_and_add_up(
    store: DuckDBStore, listed: PriceBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE_CALLS", 3)
    for number in range(7):
        own(store, listed, number, start_us=NOON_US + number // 2 * MINUTE_US)
    prices, asked, slices = book_with(OWN), EVER, []
    while True:
        slices.append(reprice_slice(store, prices, asked, LATER_US))
        if not slices[-1]["next"]:
            break
        asked = asked._replace(since=slices[-1]["next"])
    assert [(one["examined"], one["remaining"]) for one in slices] == [(2, 7), (2, 5), (3, 3)]
    assert [(change["calls"], change["new_usd"]) for change in added_up(slices)] == [
        (7, "0.0031024")
    ]


def test_a_row_that_was_restated_before_is_found_as_it_is_now(
    store: DuckDBStore, listed: PriceBook
) -> None:
    store.append([call(0)])
    for percent, cost in ((100, "0.000473600000"), (-50, "0.000118400000")):
        prices = book_with(f"{{model: gpt-5-mini, percent: {percent}}}")
        reprice_slice(store, prices, EVER, LATER_US)
        assert columns(store, "cost_usd::varchar", "first_cost_usd::varchar") == [
            (cost, "0.000236800000")
        ]
