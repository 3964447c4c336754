"""When the ledger's gauges are read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.gauges import LedgerGauges
from taximeter_processor.settings import Settings
from tests.support.records import CALL


@pytest.mark.parametrize(("seconds", "rows"), [(1, 0), (60, 1), (-3600, 1)])
def test_gauges_are_kept_for_a_moment_and_not_until_a_clock_that_was_set_back_catches_up(
    tmp_path: Path, seconds: int, rows: int
) -> None:
    now = CALL.ingested_at / 1_000_000
    clock = [now]
    store = DuckDBStore(tmp_path / "l.duckdb")
    settings = Settings(gauge_cache_seconds=10)
    gauges = LedgerGauges(store, settings, CostCounters().cost, lambda: clock[0])
    gauges.collect()
    store.append([CALL])
    clock[0] += seconds
    found = {sample.name: sample.value for f in gauges.collect() for sample in f.samples}
    store.close()
    assert found["taximeter_ledger_rows"] == rows
