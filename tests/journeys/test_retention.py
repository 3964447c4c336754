"""Calls of long ago leave a running service: no counter falls, and they do not come back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.raw_http import Answer, post_traces, request
from tests.support.servers import Postgres, Processor, get, run_taximeter, wait_for

TOKENS = {scope: f"{scope}-token-0123456789" for scope in ("ingest", "read", "write")}
DAY_NS = 86_400 * 10**9
NOW_NS = time.time_ns()
TOKEN_LIST = [{"name": scope, "scopes": [scope], "value": TOKENS[scope]} for scope in TOKENS]


def bearer(scope: str) -> dict[str, str]:
    return {"authorization": f"Bearer {TOKENS[scope]}"}


@pytest.fixture(params=["duckdb", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres
) -> Iterator[Processor]:
    """A running service with three calls of a hundred days ago and two of now."""
    ledger = {"ledger": postgres.new_database()} if request.param == "postgresql" else {}
    running = Processor(tmp_path, tokens=TOKEN_LIST, **ledger)
    running.start()
    try:
        assert send(running, 100, 1, 2, 3).partial_success == (0, "")
        assert send(running, 0, 4, 5).partial_success == (0, "")
        yield running
    finally:
        running.stop()


def send(server: Processor, days_ago: int, *numbers: int, **tags: str) -> Answer:
    start_ns = NOW_NS - days_ago * DAY_NS - 10**9
    spans = [proto_span(n, {**CHAT, **tags, "gen_ai.response.id": f"id-{n}"}) for n in numbers]
    for span in spans:
        span.start_time_unix_nano, span.end_time_unix_nano = start_ns, start_ns + 10**9
    return post_traces(server.port, protobuf(*spans), **bearer("ingest"))


def counters(server: Processor) -> dict[object, float]:
    """Every counter that is a function of the ledger."""
    own = (
        "taximeter_ingest_",
        "taximeter_ledger_",
        "taximeter_reads_",
        "taximeter_usage_status_",
    )
    answer = request(server.port, "GET", "/metrics", headers=bearer("read"))
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        if family.type in ("counter", "histogram")
        for sample in family.samples
        if not sample.name.startswith(own)
    }


def gauge(server: Processor, name: str) -> float | None:
    answer = request(server.port, "GET", "/metrics", headers=bearer("read"))
    values = [
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name
    ]
    return values[0] if values else None


def run(server: Processor, *arguments: str) -> Any:
    done = run_taximeter("ledger", *arguments, "--config", str(server.config), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows(server: Processor) -> int:
    return int(run(server, "stats")["rows"])


def test_old_calls_go_and_counters_stay_also_over_a_restart(server: Processor) -> None:
    before = counters(server)
    told = run(server, "prune", "--keep", "70d", "--dry-run")
    assert (told["removed"]["calls"], told["cost_usd"], rows(server)) == (3, "0.0007104", 5)
    done = run(server, "prune", "--keep", "70d")
    assert (done["removed"], done["cost_usd"], done["done"]) == (
        told["removed"], told["cost_usd"], True,
    )  # fmt: skip
    cut = datetime.now(timezone.utc).date() - timedelta(days=70)
    assert done["before"] == str(cut)
    assert counters(server) == before
    assert gauge(server, "taximeter_ledger_pruned_calls_total") == 3
    midnight = datetime(cut.year, cut.month, cut.day, tzinfo=timezone.utc).timestamp()
    assert gauge(server, "taximeter_ledger_horizon_timestamp_seconds") == midnight
    proof = run(server, "verify")
    assert (proof["ok"], proof["rows"], proof["pruned"]["rows"]) == (True, 2, 3)
    server.stop()
    assert run(server, "verify")["ok"]
    server.start()
    assert counters(server) == before
    assert run(server, "stats")["horizon"] == f"{cut}T00:00:00Z"


def test_a_span_from_before_is_refused_for_good_beside_good_ones(server: Processor) -> None:
    run(server, "prune", "--keep", "70d")
    answer = send(server, 100, 1, 2, 3)
    rejected, message = answer.partial_success
    assert (answer.status, rejected) == (200, 3)
    assert message.startswith("before_retention (3): the call began before the ledger does")
    assert send(server, 69, 6).partial_success == (0, "")
    assert rows(server) == 3
    text = request(server.port, "GET", "/metrics", headers=bearer("read")).text
    assert 'taximeter_ingest_rejected_spans_total{reason="before_retention"} 3.0' in text
    assert 'taximeter_dead_letters_total{reason="before_retention"} 1.0' in text
    assert run(server, "verify")["ok"]


def test_without_a_service_the_ledger_is_pruned_by_the_command(server: Processor) -> None:
    server.stop()
    assert run(server, "prune", "--keep", "70d")["removed"]["calls"] == 3
    assert run(server, "verify")["ok"]


def test_a_tenant_is_forgotten_and_every_sum_stays(server: Processor) -> None:
    send(server, 0, 7, **{"taximeter.tenant": "globex"})
    before, spent = counters(server), run(server, "verify")["cost_usd"]
    assert run(server, "forget", "--tenant", "acme", "--dry-run")["rows"]["calls"] == 5
    done = run(server, "forget", "--tenant", "acme")
    assert done["rows"] == {"calls": 5, "first_counted": 0, "duplicates": 0}
    proof = run(server, "verify")
    assert (proof["ok"], proof["cost_usd"], counters(server)) == (True, spent, before)
    text = request(server.port, "GET", "/metrics", headers=bearer("read")).text
    assert 'tenant="forgotten"' in text
    assert 'tenant="acme"' not in text
    assert run(server, "stats")["forgotten_calls"] == 5
    # What is known already does not come back under its name.
    send(server, 0, 4, 5)
    assert run(server, "forget", "--tenant", "acme", "--dry-run")["rows"]["calls"] == 0


def test_configured_retention_needs_nobody_to_ask(tmp_path: Path) -> None:
    server = Processor(tmp_path, retention={"calls": "70d"})
    server.start()
    send(server, 100, 1, 2, 3)
    try:
        wait_for("pruning", lambda: "calls_total 3.0" in get(f"{server.url}/metrics"), 120)
        assert rows(server) == 0
    finally:
        server.stop()


QUESTIONS = [
    ("prune", {"before": "2026-01-01"}, 200),
    ("prune", {"before": "yesterday"}, 400),
    ("prune", {"before": str(datetime.now(timezone.utc).date())}, 400),
    ("forget", {"tenant": "acme", "dry_run": True}, 200),
    ("forget", {"tenant": ""}, 400),
    ("forget", {"tenant": "forgotten"}, 400),
    ("forget", {"tenant": "acme", "since": "monday"}, 400),
    ("backup", {"name": "../outside.duckdb"}, 400),
    ("backup", {"name": "/tmp/outside.duckdb"}, 400),
    ("backup", {"name": ".hidden.duckdb"}, 400),
    ("backup", {"name": "monday.duckdb"}, 200),
    ("backup", {"name": "monday.duckdb"}, 400),
]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """An empty embedded ledger, for questions."""
    running = Processor(tmp_path_factory.mktemp("embedded"), tokens=TOKEN_LIST)
    running.start()
    yield running
    running.stop()


def test_upkeep_needs_a_token_that_may_write_and_a_question_that_makes_sense(
    embedded: Processor,
) -> None:
    for name, question, status in QUESTIONS:
        for scope, expected in (("read", 403), ("ingest", 403), ("write", status)):
            headers = {**bearer(scope), "content-type": "application/json"}
            body = json.dumps(question).encode()
            answer = request(embedded.port, "POST", f"/api/v1/ledger/{name}", body, headers)
            assert answer.status == expected, (name, question, scope, answer.text)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("prune",), "expected --before date or --keep 400d"),
        (("prune", "--keep", "61d"), "is too late: expected"),
        (("prune", "--keep", "a year"), "expected days such as 400d"),
        (("prune", "--before", "2026-13-01"), "expected one such as 2026-01-01"),
        (("forget", "--tenant", ""), "expected a tenant's"),
        (("backup", "/nowhere/at/all"), "is no folder"),
        (("restore", "/nowhere/at/all"), "is no file: expected a backup"),
    ],
)
def test_a_command_that_makes_no_sense_says_what_was_expected(
    embedded: Processor, arguments: tuple[str, ...], told: str
) -> None:
    done = run_taximeter("ledger", *arguments, "--config", str(embedded.config))
    assert (done.returncode, told in done.stderr.lower()) == (2, True), done.stderr
