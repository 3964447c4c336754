"""`taximeter status` says what runs, how far each layer is, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.delivery import post_all
from tests.support.otlp import proto_span, protobuf
from tests.support.servers import Processor, run_taximeter


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """One call, priced and tagged, that alice owns."""
    server = Processor(
        tmp_path_factory.mktemp("status"), owners=[{"name": "alice", "features": ["*"]}]
    )
    server.start()
    post_all(f"{server.url}/v1/traces", [(protobuf(proto_span()), 1)], lambda _: None)
    yield server
    server.stop()


def test_a_service_that_is_ready_is_told_with_every_layer(processor: Processor) -> None:
    done = run_taximeter("status", "--config", str(processor.config))
    assert done.returncode == 0
    first, *lines = done.stdout.splitlines()
    assert first.endswith(f"on 127.0.0.1:{processor.port}, writer main, ready")
    assert [line for line in lines if line[:1] in ("✓", "…", "·")] == [
        "✓ 1 Attribution (done)",
        "… 2 Owners and alerts (in progress, next)",
        "· 3 Optimisations (not set up)",
        "· 4 Forecast (not set up)",
        "· 5 Weekly review (not set up)",
    ]
    assert "! spend within a budget" in done.stdout
    assert "→ Set budgets in taximeter.yaml" in done.stdout


def test_scripts_get_the_same_as_json(processor: Processor) -> None:
    done = run_taximeter("status", "--config", str(processor.config), "--json")
    answer = json.loads(done.stdout)
    assert answer["service"]["ready"] is True
    assert answer["next_layer"] == "Owners and alerts"
    assert answer["layers"][0] == {
        "name": "Attribution",
        "question": "Is every call priced, and does it say whose it is?",
        "state": "done",
        "measures": [
            {"name": "spend with all four tags", "value": "100 %", "is_good": True},
            {"name": "calls with a price", "value": "100 %", "is_good": True},
        ],
        "next_step": "",
    }
    assert answer["layers"] == processor.api("adoption")["layers"]


def test_without_a_service_the_ledger_answers_and_the_exit_code_says_so(tmp_path: Path) -> None:
    server = Processor(tmp_path)
    server.start()
    server.stop()
    done = run_taximeter("status", "--config", str(server.config))
    assert done.returncode == 1
    assert done.stdout.startswith(f"no service on 127.0.0.1:{server.port}: start one with")
    assert "· 1 Attribution (not set up, next)" in done.stdout
