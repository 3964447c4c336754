"""kill -9 of the processor and of the Collector under load: nothing lost, nothing twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.journeys.conftest import App, finish
from tests.support.collector import Collector
from tests.support.provider import ReplayProvider
from tests.support.servers import Processor, Server, get, wait_for

CALLS = 400


@pytest.fixture
def processor(tmp_path: Path) -> Iterator[Processor]:
    server = Processor(tmp_path / "processor")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def collector(tmp_path: Path, processor: Processor) -> Iterator[Collector]:
    server = Collector(tmp_path / "collector", processor.url)
    server.start()
    yield server
    server.stop()


def kill_and_restart(server: Server) -> None:
    server.kill()
    time.sleep(0.5)
    server.start()


def counted(processor: Processor) -> Decimal:
    """The sum of the counters on the scrape, in dollars."""
    samples = [
        Decimal(line.rpartition(" ")[2])
        for line in get(f"{processor.url}/metrics").splitlines()
        if line.startswith("taximeter_cost_usd_total{")
    ]
    return sum(samples, Decimal(0))


def assert_all_agree(processor: Processor, provider: ReplayProvider, before: int) -> None:
    served = provider.served.total() - before
    wait_for(
        f"{served} calls in the ledger",
        lambda: processor.api("costs", since="1d")["total"]["requests"] >= served,
        90,
    )
    total = processor.api("costs", since="1d")["total"]
    assert (total["requests"], served) == (CALLS, CALLS)
    expected = Decimal(CALLS) * Decimal("0.000118")
    assert Decimal(total["cost_usd"]) == expected
    assert abs(counted(processor) - expected) < Decimal("1e-12")
    assert processor.api("ledger/verify")["ok"] is True


def test_the_processor_may_die_mid_load(
    processor: Processor, collector: Collector, provider: ReplayProvider, app: App
) -> None:
    before = provider.served.total()
    load = app(collector.url, f"chat:search:growth:acme:interactive:{CALLS}")
    for fraction in (4, 2):
        wait_for("load", lambda: provider.served.total() - before > CALLS / fraction)  # noqa: B023
        kill_and_restart(processor)
    finish(load)
    assert_all_agree(processor, provider, before)


def test_the_collector_may_die_mid_load(
    processor: Processor, collector: Collector, provider: ReplayProvider, app: App
) -> None:
    before = provider.served.total()
    load = app(collector.url, f"chat:search:growth:acme:interactive:{CALLS}")
    wait_for("load", lambda: provider.served.total() - before > CALLS / 4)
    kill_and_restart(collector)
    finish(load)
    assert_all_agree(processor, provider, before)


def test_the_collector_may_die_with_its_queue_full_while_the_processor_is_away(
    processor: Processor, collector: Collector, provider: ReplayProvider, app: App
) -> None:
    before = provider.served.total()
    processor.kill()
    finish(app(collector.url, f"chat:search:growth:acme:interactive:{CALLS}"))
    kill_and_restart(collector)
    processor.start()
    assert_all_agree(processor, provider, before)
