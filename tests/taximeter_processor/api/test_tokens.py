"""Tokens on a real server: pinned senders, rotated files, and secrets that nothing shows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.raw_http import Answer, post_traces, request
from tests.support.servers import Processor, get, run_taximeter, wait_for

PINNED = "pinned-token-0123456789"
FREE = "unpinned-token-0123456789"
READ = "read-token-0123456789"
KEY = "key-of-tenants-0123456789"
FILED = "token-of-a-file-0123456789"
SECRETS = (PINNED, FREE, READ, KEY, FILED)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """Knows a sender that may tell of one team, one that may tell all, and one by a file."""
    directory = tmp_path_factory.mktemp("tokens")
    (directory / "token").write_text(FILED)
    pin = {"teams": ["growth"], "tenants": ["acme"], "services": ["api", "web-*"]}
    made = Processor(
        directory,
        tokens=[
            {"name": "growth", "scopes": ["ingest"], "value": PINNED, "pin": pin},
            {"name": "free", "scopes": ["ingest"], "value": FREE},
            {"name": "people", "scopes": ["read"], "value": READ},
            {"name": "filed", "scopes": ["ingest"], "file": str(directory / "token")},
        ],
        tags={"hash_tenants": {"value": KEY}},
    )
    made.start()
    yield made
    made.stop()


def send(server: Processor, number: int, token: str, service: str = "api", **tags: str) -> Answer:
    named = {f"taximeter.{name}": value for name, value in tags.items()}
    span = proto_span(number, {**CHAT, **named})
    body = protobuf(span, resource={"service.name": service})
    return post_traces(server.port, body, authorization=f"Bearer {token}")


def stored(server: Processor, number: int) -> dict[str, str]:
    path = f"/api/v1/requests?from=2026-11-01&trace_id={number:032x}"
    answer = request(server.port, "GET", path, headers={"authorization": f"Bearer {READ}"})
    (row,) = json.loads(answer.body)["rows"]
    return {name: str(value) for name, value in row.items()}


def metric(server: Processor, sample: str) -> float:
    text = request(server.port, "GET", "/metrics", headers={"authorization": f"Bearer {READ}"}).text
    found = [line for line in text.splitlines() if line.startswith(f"{sample} ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def violations(server: Processor, tag: str) -> float:
    return metric(server, f'taximeter_token_violations_total{{tag="{tag}",token="growth"}}')


def test_money_outside_a_pin_lands_under_unknown_and_is_counted(server: Processor) -> None:
    answer = send(server, 1, PINNED, "billing", team="payments", tenant="globex")
    assert (answer.status, answer.body) == (200, b"")
    row = stored(server, 1)
    assert (row["team"], row["tenant"], row["service_name"]) == ("", "", "")
    assert (row["feature"], row["cost_usd"]) == ("search", "0.0002368")
    assert [violations(server, tag) for tag in ("team", "tenant", "service")] == [1, 1, 1]


def test_what_a_pin_allows_is_as_it_was_sent(server: Processor) -> None:
    before = [violations(server, tag) for tag in ("team", "tenant", "service")]
    send(server, 2, PINNED, "web-eu", team="growth", tenant="acme")
    row = stored(server, 2)
    assert (row["team"], row["service_name"]) == ("growth", "web-eu")
    assert row["tenant"] != ""
    assert [violations(server, tag) for tag in ("team", "tenant", "service")] == before


def test_a_token_without_a_pin_may_tell_of_everybody(server: Processor) -> None:
    send(server, 3, FREE, "billing", team="payments", tenant="globex")
    row = stored(server, 3)
    assert (row["team"], row["service_name"]) == ("payments", "billing")


def test_the_ledger_never_holds_a_tenant_s_name(server: Processor) -> None:
    send(server, 4, FREE, tenant="initech-the-tenant")
    # printf initech-the-tenant | openssl dgst -sha256 -hmac key-of-tenants-0123456789
    assert stored(server, 4)["tenant"] == "t-9811bfd57962887c"
    server.stop()
    held = b"".join(path.read_bytes() for path in server.directory.glob("ledger.duckdb*"))
    server.start()
    assert b"payments" in held
    assert b"initech-the-tenant" not in held


def test_a_rotated_file_is_taken_over_without_a_restart(server: Processor) -> None:
    assert send(server, 5, FILED).status == 200
    replacement = server.directory / "next"
    replacement.write_text("short")
    os.replace(replacement, server.directory / "token")
    time.sleep(2.1)
    assert send(server, 6, FILED).status == 200  # what is no secret changes nothing
    replacement.write_text("another-token-0123456789")
    os.replace(replacement, server.directory / "token")
    wait_for("the new token", lambda: send(server, 7, "another-token-0123456789").status == 200)
    assert send(server, 8, FILED).status == 401


def test_both_tokens_of_a_rotation_are_good(server: Processor) -> None:
    assert {send(server, 9, PINNED).status, send(server, 10, FREE).status} == {200}


@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
def test_the_cookie_of_a_page_behind_tls_is_never_sent_without(
    server: Processor, scheme: str, is_secure: bool
) -> None:
    headers = {"x-forwarded-proto": scheme, "content-type": "application/x-www-form-urlencoded"}
    answer = request(server.port, "POST", "/login", f"token={READ}".encode(), headers)
    assert answer.status == 303
    assert ("; Secure" in answer.headers["set-cookie"]) == is_secure


def test_no_answer_tells_which_token_was_close(server: Processor) -> None:
    answers = {send(server, 11, wrong).body for wrong in (PINNED[:-1], PINNED + "x", "y", "é" * 20)}
    assert len(answers) == 1


def test_secrets_are_in_no_log_metric_answer_or_status(server: Processor, tmp_path: Path) -> None:
    bearer = {"authorization": f"Bearer {READ}"}
    paths = ("/metrics", "/api/v1/status", "/openapi.json", "/api/v1/dead-letters", "/login")
    shown = [request(server.port, "GET", path, headers=bearer).text for path in paths]
    broken = post_traces(server.port, b"\xff", authorization=f"Bearer {FREE}")
    assert broken.status == 400
    command = ("status", "--json", "--config", str(server.config))
    ran = run_taximeter(*command)
    assert ran.returncode == 0
    shown += [broken.text, ran.stdout, ran.stderr, server.log.read_text()]
    assert [secret for secret in SECRETS for text in shown if secret in text] == []


def test_check_tells_who_else_can_read_the_secrets(server: Processor) -> None:
    server.config.chmod(0o644)
    (server.directory / "token").chmod(0o644)
    ran = run_taximeter("check", str(server.config))
    assert ran.returncode == 0
    assert ran.stderr.splitlines() == [
        f"taximeter: warning: {path} holds {held}, and others can read it: chmod 600 {path}"
        for held, path in (
            ("secrets", server.config),
            ("the token filed", server.directory / "token"),
        )
    ]
    for path in (server.config, server.directory / "token"):
        path.chmod(0o600)
    assert run_taximeter("check", str(server.config)).stderr == ""


def test_the_ledger_and_what_is_beside_it_is_its_owner_s_alone(server: Processor) -> None:
    modes = {path.stat().st_mode & 0o777 for path in server.directory.glob("ledger.duckdb*")}
    assert modes == {0o600}
    assert get(f"{server.url}/readyz") == "ready\n"
