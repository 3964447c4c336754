"""A ledger of each engine; the contract tests run against every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.store import LedgerStore

Reopen = Callable[[], LedgerStore]


@pytest.fixture(params=["duckdb"])
def reopen(tmp_path: Path) -> Iterator[Reopen]:
    """Opens the same ledger again, after closing it."""
    opened: list[DuckDBStore] = []

    def open_it() -> LedgerStore:
        for store in opened:
            store.close()
        opened.append(DuckDBStore(tmp_path / "ledger.duckdb", read_seconds=5))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Reopen) -> LedgerStore:
    """An empty ledger."""
    return reopen()
