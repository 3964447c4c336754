"""Three services on one ledger behind a balancer, one of them killed and replaced under load."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.balancer import Balancer
from tests.support.otlp import CHAT
from tests.support.otlp_load import CALL_USD, Scraper, deliver, told
from tests.support.servers import Processor, free_port, run_taximeter

WRITERS = ("one", "two", "three")
BODIES, CALLS_A_BODY = 150, 4
TOLD_BY_A_GATEWAY = {name: v for name, v in CHAT.items() if not name.startswith("taximeter.")}


@pytest.fixture
def services(tmp_path: Path, postgres_url: str) -> Iterator[dict[str, Processor]]:
    started = {
        writer: Processor(tmp_path / writer, ledger=postgres_url, writer=writer)
        for writer in WRITERS
    }
    for service in started.values():
        service.start()
    yield started
    for service in started.values():
        service.stop()


@pytest.fixture
def balancer(services: dict[str, Processor]) -> Iterator[Balancer]:
    running = Balancer([service.port for service in services.values()])
    yield running
    running.stop()


def load() -> list[bytes]:
    """Calls told by Taximeter, every second body by a gateway as well."""
    bodies = []
    for number in range(BODIES):
        numbers = range(number * CALLS_A_BODY + 1, (number + 1) * CALLS_A_BODY + 1)
        bodies.append(told(numbers, CHAT, "taximeter", 0))
        if number % 2:
            bodies.append(told(numbers, TOLD_BY_A_GATEWAY, "gateway", 1_000_000))
    return bodies


def test_ledger_scraped_increases_and_truth_agree_though_a_writer_is_killed_and_replaced(
    services: dict[str, Processor], balancer: Balancer
) -> None:
    scraper = Scraper(services)
    try:
        with ThreadPoolExecutor(6) as senders:
            deliveries = [senders.submit(deliver, balancer.url, body) for body in load()]
            while sum(delivery.done() for delivery in deliveries) < len(deliveries) // 3:
                time.sleep(0.01)
            services["two"].kill()
            services["two"].start()
            for delivery in deliveries:
                delivery.result(120)
    finally:
        scraper.finish()
    truth = BODIES * CALLS_A_BODY
    total = services["one"].api("costs", since="1d")["total"]
    assert (total["requests"], Decimal(total["cost_usd"])) == (truth, truth * CALL_USD)
    assert scraper.resets == 0
    assert abs(scraper.increase - truth * CALL_USD) < Decimal("1e-12")
    for writer, service in services.items():
        proof = service.api("ledger/verify")
        assert proof["ok"], (writer, proof)
    by_writer = services["one"].api("costs", since="1d", by="writer")["rows"]
    assert {row["writer"] for row in by_writer} == set(WRITERS)


def test_a_name_that_is_taken_is_refused_while_its_holder_works(
    services: dict[str, Processor], balancer: Balancer
) -> None:
    refused = run_taximeter(
        "serve", "--config", str(services["two"].config), "--listen", f"127.0.0.1:{free_port()}"
    )
    assert refused.returncode == 2
    assert "another process is writer 'two'" in refused.stderr
    deliver(balancer.url, told([1], CHAT, "taximeter", 0))
    assert services["one"].api("costs", since="1d")["total"]["requests"] == 1
