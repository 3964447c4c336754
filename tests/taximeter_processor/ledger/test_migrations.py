"""A ledger of an older schema is brought up to date, with everything that is in it."""

from __future__ import annotations

from pathlib import Path

from taximeter_processor.ledger.duckdb_schema import MIGRATIONS
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Restatement
from tests.support.records import CALL, NOON_US


def test_an_embedded_ledger_of_the_first_schema(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    writer = store._writer
    for table in ("calls", "restatements", "dead_letters", "first_counted", "duplicates"):
        writer.execute(f"drop table {table}")
    writer.execute(f"delete from taximeter_schema where version > 1; {MIGRATIONS[0]}")
    store.close()
    upgraded = DuckDBStore(tmp_path / "l.duckdb")
    upgraded.append([CALL])
    dearer = CALL._replace(output_cost_usd=252_000_000, cost_usd=320_800_000)
    made = upgraded.restate([Restatement(dearer, "price_corrected", NOON_US)])
    assert made[0].new_cost == 320_800_000
    upgraded.close()
