"""A ledger of each engine; the contract tests run against every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.postgres_store import PostgresStore
from taximeter_processor.ledger.store import LedgerStore
from tests.support.servers import Postgres

Reopen = Callable[[], LedgerStore]


@pytest.fixture(params=["duckdb", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return str(request.param)


@pytest.fixture
def reopen(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reopen]:
    """Opens the same ledger again, after closing it."""
    opened: list[LedgerStore] = []
    if engine == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database()

    def open_it() -> LedgerStore:
        for store in opened:
            store.close()
        if engine == "postgresql":
            opened.append(PostgresStore(url, writer="main", read_seconds=5))
        else:
            opened.append(DuckDBStore(tmp_path / "ledger.duckdb", read_seconds=5))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Reopen) -> LedgerStore:
    """An empty ledger."""
    return reopen()
