from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.ledger.record import Record
from tests.dashboards import workload
from tests.dashboards.history import HistoryServer, build


@pytest.fixture(scope="session")
def records() -> list[Record]:
    """Every call of the history."""
    return workload.records()


@pytest.fixture(scope="session")
def history(records: list[Record]) -> Iterator[HistoryServer]:
    """Prometheus over the history."""
    with tempfile.TemporaryDirectory(prefix="taximeter-history-") as directory:
        server = build(Path(directory), records)
        yield server
        server.stop()
