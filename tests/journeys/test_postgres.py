"""The service on a ledger in PostgreSQL that goes away, and two services that want one name."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.otlp import CHAT, json_body, json_span
from tests.support.otlp_load import CALL_USD, Scraper, deliver, told
from tests.support.servers import Postgres, Processor, free_port, get, run_taximeter, wait_for

Start = Callable[..., Processor]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a service on a ledger, in a directory of its own."""
    running: list[Processor] = []

    def start_it(ledger: str, **settings: object) -> Processor:
        running.append(Processor(tmp_path / str(len(running)), ledger=ledger, **settings))
        running[-1].start()
        return running[-1]

    yield start_it
    for processor in running:
        processor.stop()


def post(processor: Processor, *numbers: int) -> tuple[int, str | None]:
    """(status, Retry-After) of a body with one span for each number."""
    body = json_body(*(json_span(number) for number in numbers))
    request = urllib.request.Request(
        f"{processor.url}/v1/traces", body, {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, None
    except urllib.error.HTTPError as error:
        return error.code, error.headers["retry-after"]


def is_ready(processor: Processor) -> bool:
    try:
        return get(f"{processor.url}/readyz") == "ready\n"
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return False


def test_while_the_ledger_is_away_clients_are_told_to_come_back_and_then_it_recovers(
    start: Start, own_postgres: Postgres
) -> None:
    processor = start(own_postgres.new_database())
    assert post(processor, 1) == (200, None)
    own_postgres.crash()
    wait_for("readiness to end without traffic", lambda: not is_ready(processor))
    assert post(processor, 1, 2) == (503, "5")
    assert "taximeter_ledger_ready 0.0" in get(f"{processor.url}/metrics")
    own_postgres.start()
    wait_for("readiness to return without traffic", lambda: is_ready(processor))
    assert post(processor, 1, 2) == (200, None)
    proof = processor.api("ledger/verify")
    assert (proof["ok"], proof["rows"]) == (True, 2)


def test_a_server_that_crashes_again_and_again_under_load_loses_and_doubles_nothing(
    start: Start, own_postgres: Postgres
) -> None:
    processor = start(own_postgres.new_database())
    scraper = Scraper({"main": processor})
    try:
        with ThreadPoolExecutor(4) as senders:
            bodies = [told(range(n * 5 + 1, n * 5 + 6), CHAT, "taximeter", 0) for n in range(120)]
            deliveries = [senders.submit(deliver, processor.url, body) for body in bodies]
            for part in (5, 3, 2):
                while sum(delivery.done() for delivery in deliveries) < len(bodies) // part:
                    time.sleep(0.005)
                own_postgres.crash()
                own_postgres.start()
            for delivery in deliveries:
                delivery.result(120)
        wait_for("readiness", lambda: is_ready(processor))
        proof = processor.api("ledger/verify")
    finally:
        scraper.finish()
    assert (proof["ok"], proof["rows"]) == (True, 600), proof
    assert Decimal(proof["cost_usd"]) == 600 * CALL_USD
    assert (scraper.resets, scraper.increase) == (0, 600 * CALL_USD)


@pytest.mark.parametrize("engine", ["duckdb", "postgresql"])
def test_a_second_service_on_the_same_ledger_and_name_ends_with_what_to_do(
    tmp_path: Path, start: Start, postgres_url: str, engine: str
) -> None:
    ledger = postgres_url if engine == "postgresql" else str(tmp_path / "l.duckdb")
    first = start(ledger)
    second = run_taximeter(
        "serve", "--config", str(first.config), "--listen", f"127.0.0.1:{free_port()}"
    )
    assert second.returncode == 2
    message = second.stderr.strip().splitlines()[-1]
    assert ("another process is writer" in message) or ("is open in another process" in message)
    assert post(first, 1) == (200, None)


def test_commands_read_beside_running_services_and_write_only_with_a_name_that_is_free(
    tmp_path: Path, start: Start, postgres_url: str
) -> None:
    post(start(postgres_url), 1)
    elsewhere = Processor(tmp_path / "elsewhere", ledger=postgres_url)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_taximeter(*arguments, "--config", str(elsewhere.config))

    shown = command("ledger", "stats", "--json")
    assert (shown.returncode, '"rows": 1' in shown.stdout) == (0, True)
    assert command("ledger", "verify").returncode == 0
    refused = command("reprice", "--since", "2026-11-01")
    assert refused.returncode == 2
    assert "another process is writer 'main'" in refused.stderr
