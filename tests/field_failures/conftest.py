"""What the field failures share: the installed prices and an empty ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.pricing.book import PriceBook


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    return PriceBook.load()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path / "l.duckdb")
    yield opened
    opened.close()
