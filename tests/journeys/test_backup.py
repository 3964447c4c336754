"""A ledger is backed up while spans arrive, lost, restored elsewhere, and told everything again."""

from __future__ import annotations

import json
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.otlp import CHAT, json_body, json_span
from tests.support.raw_http import post_traces
from tests.support.servers import Postgres, Processor, run_taximeter

COST_PICO = 236_800_000
SPANS_A_BODY = 20
Elsewhere = Callable[[], Processor]


@pytest.fixture(params=["duckdb", "postgresql"])
def new_place(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres
) -> Iterator[Elsewhere]:
    """Another service on another, empty ledger of the same engine; not started."""
    made: list[Processor] = []

    def make() -> Processor:
        directory = tmp_path / f"place{len(made)}"
        ledger = {"ledger": postgres.new_database()} if request.param == "postgresql" else {}
        made.append(Processor(directory, **ledger))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def body(first: int) -> bytes:
    """Spans of a minute ago, each a call of its own."""
    numbers = range(first + 1, first + 1 + SPANS_A_BODY)
    spans = [
        json_span(number, {**CHAT, "gen_ai.response.id": f"id-{number}"}) for number in numbers
    ]
    return json_body(*spans)


class Sender:
    """Sends new spans until it is stopped, and knows which were acknowledged when."""

    def __init__(self, server: Processor) -> None:
        self.acknowledged = 0
        self._port = server.port
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        while not self._stopping.is_set():
            answer = post_traces(self._port, body(self.acknowledged), "application/json")
            assert answer.status == 200, answer.text
            self.acknowledged += SPANS_A_BODY

    def stop(self) -> int:
        """How many spans were acknowledged in all."""
        self._stopping.set()
        self._thread.join()
        return self.acknowledged


def run(server: Processor, *arguments: str) -> Any:
    done = command(server, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def command(server: Processor, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_taximeter("ledger", *arguments, "--config", str(server.config))


def test_a_backup_made_under_load_is_restored_elsewhere_and_nothing_counts_twice(
    new_place: Elsewhere, tmp_path: Path
) -> None:
    server = new_place()
    server.start()
    sender = Sender(server)
    while sender.acknowledged < 500:
        time.sleep(0.05)
    before = sender.acknowledged
    file = tmp_path / "backup"
    run(server, "backup", str(file))
    after = sender.acknowledged
    sent = sender.stop()
    assert after > before, "no span was taken while the backup was made"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run(server, "verify")["ok"]
    server.stop()

    other = new_place()
    restored = run(other, "restore", str(file))
    assert restored["ok"]
    # The call that was told of by the answers before is there, what came later may be.
    assert before <= restored["rows"] <= sent
    proof = run(other, "verify")
    assert (proof["ok"], proof["rows"]) == (True, restored["rows"])
    other.start()
    for first in range(0, sent, SPANS_A_BODY):
        assert post_traces(other.port, body(first), "application/json").status == 200
    proof = run(other, "verify")
    assert (proof["ok"], proof["rows"]) == (True, sent)
    assert proof["cost_usd"] == f"{sent * COST_PICO / 10**12:.12f}".rstrip("0")


def test_restoring_over_a_ledger_that_runs_is_refused(new_place: Elsewhere, tmp_path: Path) -> None:
    server = new_place()
    server.start()
    post_traces(server.port, body(0), "application/json")
    file = tmp_path / "backup"
    run(server, "backup", str(file))
    done = command(server, "restore", str(file))
    assert done.returncode == 2
    assert "stop it first" in done.stderr or "is not empty: restore into a new" in done.stderr
    assert run(server, "verify")["rows"] == SPANS_A_BODY


def test_a_backup_never_replaces_a_file(new_place: Elsewhere, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("mine")
    done = command(new_place(), "backup", str(file))
    assert (done.returncode, "is there already" in done.stderr) == (2, True)
    assert file.read_text() == "mine"


def test_a_file_that_is_no_backup_is_refused_and_nothing_changes(
    new_place: Elsewhere, tmp_path: Path
) -> None:
    server = new_place()
    file = tmp_path / "backup"
    file.write_text("no backup" * 1000)
    done = command(server, "restore", str(file))
    assert done.returncode == 2
    assert f"{file} is no " in done.stderr
    assert list(server.directory.iterdir()) == [server.config]
