"""The ledger's gauges: how often it is read, and what becomes of them when it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from taximeter_processor import names
from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.metrics import gauges
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.gauges import LedgerGauges
from taximeter_processor.names import Metric
from taximeter_processor.settings import Settings
from tests.support.servers import wait_for
from tests.taximeter_processor.metrics.ledger_gauges import at, spent


class Ledger:
    """Gauges over a ledger with one call, at a time that the test sets."""

    def __init__(self, directory: Path) -> None:
        self.store = DuckDBStore(directory / "ledger.duckdb")
        self.now = at("2026-11-18 12:00").timestamp()
        settings = Settings(gauge_cache_seconds=5)
        counters = CostCounters()
        self._gauges = LedgerGauges(self.store, settings, counters.cost, lambda: self.now)
        self.call(0, 1)

    def call(self, number: int, usd: float, **changes: Any) -> None:
        self.store.append([spent(number, "2026-11-18 08:00", usd, **changes)])

    def shows(self, metric: Metric, **labels: str) -> list[float]:
        """Values of the metric's series with these labels."""
        return [
            sample.value
            for family in self._gauges.collect()
            for sample in family.samples
            if sample.name == metric.name and labels.items() <= sample.labels.items()
        ]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = Ledger(tmp_path)
    with closing(found.store):
        yield found


def test_amounts_are_read_again_after_the_cache_s_time(ledger: Ledger) -> None:
    assert ledger.shows(names.SPEND, window="today") == [1]
    ledger.call(1, 2)
    ledger.now += 4
    assert ledger.shows(names.SPEND, window="today") == [1]
    ledger.now += 1
    assert ledger.shows(names.SPEND, window="today") == [3]


def test_amounts_are_not_kept_until_a_clock_that_was_set_back_catches_up(ledger: Ledger) -> None:
    assert ledger.shows(names.SPEND, window="today") == [1]
    ledger.call(1, 2)
    ledger.now -= 3600
    assert ledger.shows(names.SPEND, window="today") == [3]


def test_no_scrape_waits_for_a_slow_ledger_once_there_is_something_to_show(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "SLOW_SECONDS", 0.0)
    assert ledger.shows(names.SPEND, window="today") == [1]
    ledger.call(1, 2)
    ledger.now += 60
    read, may_read = ledger.store.read, Event()

    def slowly(*asked: Any) -> list[Any]:
        may_read.wait(30)
        return read(*asked)

    monkeypatch.setattr(ledger.store, "read", slowly)
    assert ledger.shows(names.SPEND, window="today") == [1]
    may_read.set()
    wait_for("the read", lambda: ledger.shows(names.SPEND, window="today") == [3])


def test_a_scrape_does_not_wait_for_a_ledger_that_does_not_answer(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, may_read = ledger.store.read, Event()

    def hang(*asked: Any) -> list[Any]:
        may_read.wait(30)
        return read(*asked)

    with monkeypatch.context() as hanging:
        hanging.setattr(gauges, "PATIENCE_SECONDS", 0.1)
        hanging.setattr(ledger.store, "read", hang)
        assert ledger.shows(names.SPEND, window="today") == []
        may_read.set()
    wait_for("the read", lambda: ledger.shows(names.SPEND, window="today") == [1])


def test_what_looks_back_for_weeks_is_read_twelve_times_less_often(ledger: Ledger) -> None:
    assert ledger.shows(names.SPEND_CHANGE, window="today") == [1]
    ledger.call(1, 2)
    ledger.now += 59
    assert ledger.shows(names.SPEND_CHANGE, window="today") == [1]
    ledger.now += 1
    assert ledger.shows(names.SPEND_CHANGE, window="today") == [3]


def test_spend_on_calls_that_were_broken_off_is_told_apart(ledger: Ledger) -> None:
    ledger.call(1, 2, usage_status="partial")
    assert ledger.shows(names.BROKEN_OFF, window="today") == [2]
    assert ledger.shows(names.SPEND_REQUESTS, window="today", status="priced") == [2]


def test_what_was_let_go_at_a_limit_is_shown(ledger: Ledger) -> None:
    ledger.store.let_go["links"] += 7
    assert ledger.shows(names.LEDGER_LIMITS, limit="links") == [7]
    assert ledger.shows(names.LEDGER_LIMITS, limit="rows") == [0]


def test_gauges_are_left_out_when_the_ledger_cannot_be_read(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[Any]:
        raise LedgerError("no answer within 10 s")

    monkeypatch.setattr(ledger.store, "read", fail)
    assert ledger.shows(names.SPEND) == ledger.shows(names.RUN_RATE) == []
