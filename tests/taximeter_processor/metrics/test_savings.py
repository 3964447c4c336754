"""Saved and extra dollars by source: from priced calls to counters, and again after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.costing import book as booked
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.model import Usage
from taximeter_processor.pricing.book import PriceBook
from tests.support.records import NOON_US
from tests.taximeter_processor.test_costing import CALL

LATER_US = NOON_US + 10**9
CLAUDE = {
    "provider": "anthropic",
    "request_model": "claude-opus-5",
    "response_model": "claude-opus-5",
}
"""$5 input, $0.50 cache read, $6.25 cache write, $25 output a million tokens; twice in fast."""


@pytest.fixture(scope="module")
def prices() -> PriceBook:
    return PriceBook.load()


def savings(directory: Path, prices: PriceBook, **changes: Any) -> dict[str, float]:
    """`saved/source` and `extra/source` of one call; the same when rebuilt from the ledger."""
    call = CALL._replace(**{**CLAUDE, **changes})
    record = booked(call, prices, writer="main", now_us=NOON_US, backfill_before_us=0)
    live, rebuilt = (CostCounters(birth_hold_seconds=0) for _ in range(2))
    store = DuckDBStore(directory / "l.duckdb")
    live.apply(store.append([record]))
    rebuilt.seed(store, "main")
    store.close()
    assert _shown(live) == _shown(rebuilt)
    return _shown(live)


def _shown(counters: CostCounters) -> dict[str, float]:
    return {
        f"{family.name.split('_')[1]}/{sample.labels['source']}": sample.value
        for family in counters.collect(LATER_US)
        if family.name in ("taximeter_saved_usd", "taximeter_extra_usd")
        for sample in family.samples
    }


def test_cache_reads_save_the_difference_to_plain_input(tmp_path: Path, prices: PriceBook) -> None:
    # 1000 × ($5 - $0.50) a million.
    found = savings(tmp_path, prices, usage=Usage(1000, 10, 1000))
    assert found == {"saved/prompt_cache": 0.0045}


def test_a_cache_write_that_is_not_read_costs_extra(tmp_path: Path, prices: PriceBook) -> None:
    # 1000 × ($6.25 - $5) a million.
    found = savings(tmp_path, prices, usage=Usage(1000, 10, 0, 1000))
    assert found == {"extra/prompt_cache": 0.00125}


def test_reads_pay_for_the_writes_of_the_same_call(tmp_path: Path, prices: PriceBook) -> None:
    found = savings(tmp_path, prices, usage=Usage(2000, 10, 1000, 1000))
    assert found == {"saved/prompt_cache": pytest.approx(0.0045 - 0.00125)}


def test_a_premium_tier_costs_extra_and_the_cache_still_saves(
    tmp_path: Path, prices: PriceBook
) -> None:
    found = savings(tmp_path, prices, tier="fast", usage=Usage(1000, 10, 1000))
    # Fast: 1000 × ($1 - $0.50) and 10 × ($50 - $25) a million more.
    assert found == {"saved/prompt_cache": 0.0045, "extra/tier": 0.00075}


def test_batch_saves_half_of_what_the_cache_left(tmp_path: Path, prices: PriceBook) -> None:
    # At standard: 1000 × $0.50 and 10 × $25 a million.
    found = savings(tmp_path, prices, tier="batch", usage=Usage(1000, 10, 1000))
    assert found == {"saved/prompt_cache": 0.0045, "saved/tier": 0.000375}


def test_a_cached_answer_saves_what_it_would_have_cost(tmp_path: Path, prices: PriceBook) -> None:
    found = savings(tmp_path, prices, is_cache_hit=True, usage=Usage(1000, 10))
    assert found == {"saved/response_cache": 0.00525}
