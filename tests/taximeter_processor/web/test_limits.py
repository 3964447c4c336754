"""A part of a page that meets a limit costs the page that part; the first row costs it the page."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from taximeter_processor.app import build_api
from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.store import HourlySums, LedgerStore, Parameters, Row
from taximeter_processor.money import PICO_PER_USD
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings
from tests.support.records import call

SLOW = "the query took longer than 10 s"


class Limited:
    """A ledger in which statements with a certain word take too long."""

    def __init__(self, store: LedgerStore, word: str) -> None:
        self._store = store
        self._word = word

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        if self._word in sql:
            raise LedgerError(SLOW)
        return self._store.read(sql, parameters)

    def hourly_sums(self) -> Sequence[HourlySums]:
        return self._store.hourly_sums()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A call of a dollar made just now and one a week and a day before."""
    found = Service(Settings(ledger=str(tmp_path / "l.duckdb")))
    store = found.store
    now_us = time.time_ns() // 1000
    starts = (now_us, now_us - 8 * 86_400_000_000)
    store.append(
        [
            call(n, start_time=start, ingested_at=start, cost_usd=PICO_PER_USD)
            for n, start in enumerate(starts)
        ]
    )
    yield found
    store.close()


def answer(service: Service, word: str, path: str) -> tuple[int, str, str]:
    service.store = Limited(service.store, word)  # type: ignore[assignment]
    client = TestClient(build_api(service), base_url="http://127.0.0.1")
    response = client.get(path)
    return response.status_code, response.headers.get("retry-after", ""), response.text


def test_a_part_that_takes_too_long_says_so_in_its_place(service: Service) -> None:
    status, _, text = answer(service, "nullif(tenant", "/")
    assert status == 200
    assert text.count(f"This part could not be read: {SLOW}") == 2  # by tenant, and what moved
    assert "Cost by day" in text
    assert "By environment" in text
    assert text.endswith("</html>")


def test_a_first_row_that_takes_too_long_is_no_page(service: Service) -> None:
    status, retry_after, text = answer(service, "sum(cost_usd)", "/")
    assert (status, retry_after) == (503, "5")
    assert f'<p role="alert">{SLOW}</p>' in text


@pytest.mark.parametrize(
    "path", ["/costs", "/requests", f"/explain/{'0' * 32}", "/status", "/days"]
)
def test_other_pages_ask_to_come_back(service: Service, path: str) -> None:
    status, retry_after, text = answer(service, "from calls", path)
    assert (status, retry_after) == (503, "5")
    assert SLOW in text
