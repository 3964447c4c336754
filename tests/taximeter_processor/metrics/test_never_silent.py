"""Features that should never be silent are on the scrape, also before they ever made a call."""

from __future__ import annotations

from pathlib import Path

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.metrics.gauges import LedgerGauges
from taximeter_processor.metrics.series import SeriesTable
from taximeter_processor.settings import Settings


def test_each_configured_feature_is_shown_as_one(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    gauges = LedgerGauges(store, Settings(never_silent=("chat", "rag")), SeriesTable(100, (1,)))
    found = {family.name: family for family in gauges.collect()}["taximeter_feature_expected"]
    store.close()
    assert [(s.labels, s.value) for s in found.samples] == [
        ({"feature": "chat"}, 1),
        ({"feature": "rag"}, 1),
    ]
