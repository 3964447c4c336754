"""A price is added after the calls: a running service fills history, and every number agrees."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.otlp import CHAT, json_body, json_span
from tests.support.raw_http import post_traces, request
from tests.support.servers import Processor, run_taximeter

TOKENS = {scope: f"{scope}-token-0123456789" for scope in ("ingest", "read", "write")}
OWN = {
    **CHAT,
    "gen_ai.provider.name": "ollama",
    "gen_ai.request.model": "own",
    "gen_ai.response.model": "own",
}
PRICE = {"provider": "ollama", "model": "own", "rates": {"input": 1, "output": 2}}
# 1312 input tokens at $1 and 84 output tokens at $2 a million.
COST_USD = "0.00148"


def guarded(directory: Path) -> Processor:
    """A running service that takes only tokens."""
    server = Processor(
        directory,
        tokens=[{"name": scope, "scopes": [scope], "value": TOKENS[scope]} for scope in TOKENS],
    )
    server.start()
    return server


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """A service without calls, for questions that change nothing."""
    server = guarded(tmp_path_factory.mktemp("empty"))
    yield server
    server.stop()


@pytest.fixture
def processor(tmp_path: Path) -> Iterator[Processor]:
    """A service with three priced and two unpriced calls of just now."""
    server = guarded(tmp_path)
    now_ns = time.time_ns()
    times = {"startTimeUnixNano": str(now_ns - 10**9), "endTimeUnixNano": str(now_ns)}
    spans = [
        json_span(number, {**attributes, "gen_ai.response.id": f"id-{number}"}, **times)
        for number, attributes in enumerate([CHAT, CHAT, CHAT, OWN, OWN], start=1)
    ]
    answer = post_traces(
        server.port, json_body(*spans), "application/json", authorization=_bearer("ingest")
    )
    assert answer.status == 200
    yield server
    server.stop()


def _bearer(scope: str) -> str:
    return f"Bearer {TOKENS[scope]}"


def metrics(server: Processor) -> dict[str, float]:
    """Sums of the families that repricing could touch."""
    text = request(server.port, "GET", "/metrics", headers={"authorization": _bearer("read")}).text
    names = ("taximeter_cost_usd", "taximeter_requests", "taximeter_restated_usd",
             "taximeter_unpriced_requests", "taximeter_ledger_cost_usd")  # fmt: skip
    return {
        family.name: sum(sample.value for sample in family.samples)
        for family in text_string_to_metric_families(text)
        if family.name in names
    }


def run(server: Processor, *arguments: str) -> Any:
    done = run_taximeter(*arguments, "--config", str(server.config), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def with_price(server: Processor) -> None:
    """The price is written into the configuration, and the service started again."""
    settings = yaml.safe_load(server.config.read_text())
    server.config.write_text(yaml.safe_dump({**settings, "prices": [PRICE]}))
    server.stop()
    server.start()


def test_a_price_that_was_added_fills_history_through_the_running_service(
    processor: Processor,
) -> None:
    with_price(processor)
    before = metrics(processor)
    told = run(processor, "reprice", "--since", "1h", "--dry-run")
    assert metrics(processor) == before
    done = run(processor, "reprice", "--since", "1h")
    assert done["changes"] == told["changes"]
    assert done["examined"] == 5
    assert [(change["calls"], change["difference_usd"]) for change in done["changes"]] == [
        (2, "0.00296")
    ]
    after = metrics(processor)
    for counter in ("taximeter_cost_usd", "taximeter_requests", "taximeter_unpriced_requests"):
        assert after[counter] == before[counter]
    assert after["taximeter_restated_usd"] == pytest.approx(0.00296)
    assert after["taximeter_ledger_cost_usd"] == pytest.approx(3 * 0.0002368 + 0.00296)
    costs = run(processor, "costs", "--by", "model", "--since", "1h")
    own = next(row for row in costs["rows"] if row["model"] == "own")
    assert (own["cost_usd"], own["unpriced"]) == ("0.00296", 0)
    assert run(processor, "ledger", "verify")["ok"]
    assert run(processor, "reprice", "--since", "1h")["changes"] == []


def test_counters_are_the_same_after_a_restart(processor: Processor) -> None:
    with_price(processor)
    run(processor, "reprice", "--since", "1h")
    before = metrics(processor)
    processor.stop()
    processor.start()
    assert metrics(processor) == before


def test_without_a_service_the_file_is_opened(processor: Processor) -> None:
    with_price(processor)
    processor.stop()
    assert run(processor, "reprice", "--since", "1h", "--model", "own")["examined"] == 2
    assert run(processor, "ledger", "verify")["ok"]


def test_a_service_with_an_older_price_list_is_named(processor: Processor) -> None:
    settings = yaml.safe_load(processor.config.read_text())
    processor.config.write_text(yaml.safe_dump({**settings, "prices": [PRICE]}))
    done = run_taximeter("reprice", "--since", "1h", "--config", str(processor.config))
    assert (done.returncode, "restart the service" in done.stderr) == (0, True)
    assert "0 of 5 calls changed" in done.stdout


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("ingest", 403), ("write", 200)])
def test_repricing_needs_a_token_that_may_write(empty: Processor, scope: str, status: int) -> None:
    body = json.dumps({"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}).encode()
    headers = {"authorization": _bearer(scope), "content-type": "application/json"}
    answer = request(empty.port, "POST", "/api/v1/reprice", body, headers)
    assert answer.status == status
    cookie = {"cookie": f"taximeter_session={TOKENS['write']}", "content-type": "application/json"}
    assert request(empty.port, "POST", "/api/v1/reprice", body, cookie).status == 401


@pytest.mark.parametrize(
    "body",
    [
        {"since": "yesterday", "until": "2026-01-02T00:00:00Z"},
        {"since": "2026-01-01T00:00:00", "until": "2026-01-02T00:00:00Z"},
        {"until": "2026-01-02T00:00:00Z"},
        {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "price": 1},
    ],
)
def test_a_wrong_question_is_refused(empty: Processor, body: dict[str, Any]) -> None:
    headers = {"authorization": _bearer("write"), "content-type": "application/json"}
    answer = request(empty.port, "POST", "/api/v1/reprice", json.dumps(body).encode(), headers)
    assert answer.status == 400
