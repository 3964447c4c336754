"""What the field failures share: the installed prices, an empty ledger, a service, a wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings
from tests.field_failures.wire import Wire
from tests.taximeter.replay import ReplayServer


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    return PriceBook.load()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path / "l.duckdb")
    yield opened
    opened.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(Settings(ledger=str(tmp_path / "l.duckdb"), birth_hold_seconds=0))
    yield running
    running.store.close()


@pytest.fixture
def wire(service: Service) -> Iterator[Wire]:
    server = ReplayServer()
    yield Wire(service, server)
    server.stop()
