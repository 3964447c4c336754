"""Three services on one ledger behind a balancer, one of them killed and replaced under load."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.balancer import Balancer
from tests.support.otlp import CHAT, json_body, json_span
from tests.support.servers import Processor, free_port, get, run_taximeter

WRITERS = ("one", "two", "three")
BODIES, CALLS_A_BODY = 150, 4
CALL_USD = Decimal("0.0002368")
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


class Scraper:
    """Adds up what the cost counters of all services rose by, as Prometheus would."""

    def __init__(self, services: dict[str, Processor]) -> None:
        self._services = services
        self._seen: dict[tuple[str, str], Decimal] = {}
        self.increase = Decimal(0)
        self.resets = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop)
        self._thread.start()

    def finish(self) -> None:
        """One last scrape, then the end."""
        self._stopping.set()
        self._thread.join()
        self._scrape()

    def _loop(self) -> None:
        while not self._stopping.wait(0.3):
            self._scrape()

    def _scrape(self) -> None:
        for writer, service in self._services.items():
            try:
                lines = get(f"{service.url}/metrics").splitlines()
            except OSError:
                continue
            for line in lines:
                if line.startswith("taximeter_cost_usd_total{"):
                    series, _, text = line.rpartition(" ")
                    self._note((writer, series), Decimal(text))

    def _note(self, key: tuple[str, str], value: Decimal) -> None:
        before = self._seen.get(key, Decimal(0))
        if value < before:
            self.resets += 1
            before = Decimal(0)
        self.increase += value - before
        self._seen[key] = value


def told(numbers: Sequence[int], attributes: dict[str, Any], scope: str, offset: int) -> bytes:
    """The same calls as one emitter tells of them, in spans of its own."""
    start_ns = time.time_ns() - 2_000_000_000
    return json_body(
        *(
            json_span(
                number + offset,
                {**attributes, "gen_ai.response.id": f"resp-{number}"},
                startTimeUnixNano=str(start_ns),
                endTimeUnixNano=str(start_ns + 1_000_000_000),
            )
            for number in numbers
        ),
        scope=scope,
    )


def deliver(url: str, body: bytes) -> None:
    """As a Collector does: the same bytes again until they are acknowledged."""
    request = urllib.request.Request(f"{url}/v1/traces", body, {"content-type": "application/json"})
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            if error.code not in (502, 503):
                raise
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("never acknowledged")


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
