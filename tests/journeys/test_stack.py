"""The compose file's services, started as it says, carry a call's money to where people look.

Grafana is not started; what it would read is read with what it is given. The plan, by hand:

    search  4 streams gpt-5-mini               4 x $0.0002368 = $0.0009472
    chat    3 answers gpt-4.1                  3 x $0.000118  = $0.000354
    search  1 call gpt-5-mini of last week     1 x $0.0002368 = $0.0002368
    search  1 of yesterday, 8,000,000 tokens in, at $0.25 a million = $2
                                                                $2.001538
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import psycopg
import pytest
import yaml

from taximeter_processor.ledger.views import VIEWS
from taximeter_processor.names import LEDGER_COST
from tests.journeys.conftest import App, finish
from tests.support.compose import ROOT
from tests.support.otlp import CHAT, json_body, json_span
from tests.support.servers import get_json, wait_for
from tests.support.stack import Stack

PLAN: Final = ("stream:search:growth:acme:interactive:4", "chat:chat:support:globex:batch:3")
AT_MOST_SECONDS: Final = 180.0
"""Scrapes and rules have a place of their own within their intervals of up to a minute."""
TOTAL: Final = Decimal("2.001538")


@pytest.fixture(scope="module")
def stack(app: App) -> Iterator[Stack]:
    """All of it, after an application's calls have come to the Collector's published port."""
    # Not below pytest's own directory, into which PostgreSQL's user cannot see.
    with tempfile.TemporaryDirectory(prefix="taximeter-stack-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        running = Stack(ROOT / "deploy" / "compose.yaml", root)
        try:
            running.up()
            finish(app(running.url("collector", 4318), *PLAN))
            send_past(running.url("collector", 4318))
            wait_for("every call in the ledger", lambda: requests(running) == 9)
            yield running
        finally:
            running.down()


def send_past(otlp_url: str) -> None:
    """A call at noon a week before yesterday and a dear one at yesterday's, in one late body."""
    noon = datetime.now(timezone.utc).replace(hour=12, minute=0, second=0, microsecond=0)
    dear = {key: 0 if key.startswith("gen_ai.usage.") else value for key, value in CHAT.items()}
    dear["gen_ai.usage.input_tokens"] = 8_000_000
    spans = []
    for number, (days, attributes) in enumerate(((8, CHAT), (1, dear)), start=1):
        start = int((noon - timedelta(days=days)).timestamp())
        times = {
            "startTimeUnixNano": f"{start}000000000",
            "endTimeUnixNano": f"{start + 1}000000000",
        }
        spans.append(json_span(number, attributes, **times))
    request = urllib.request.Request(
        f"{otlp_url}/v1/traces", json_body(*spans), {"content-type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=30).close()


def requests(stack: Stack) -> int:
    """Calls in the ledger, asked for with the token that people are told to take."""
    token = stack.compose.path("processor", "/run/taximeter/read").read_text()
    question = urllib.request.Request(
        f"{stack.url('processor', 4319)}/api/v1/costs?since=30d",
        headers={"authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(question, timeout=30) as answer:
        return int(json.load(answer)["total"]["requests"])


def prometheus(stack: Stack, path: str) -> Any:
    return get_json(f"{stack.url('prometheus', 9090)}/api/v1/{path}")["data"]


def test_the_money_is_in_prometheus_to_the_last_digit(stack: Stack) -> None:
    def shown() -> bool:
        result = prometheus(stack, f"query?query={LEDGER_COST.name}")["result"]
        return [series["value"][1] for series in result] == [str(TOTAL)]

    wait_for("a scrape of all the money", shown, AT_MOST_SECONDS)


def test_prometheus_reaches_the_processor_and_the_collector(stack: Stack) -> None:
    def health() -> dict[str, str]:
        targets = prometheus(stack, "targets")["activeTargets"]
        found = {target["labels"]["job"]: target["health"] for target in targets}
        return found if "unknown" not in found.values() else {}

    expected = {"taximeter": "up", "otel-collector": "up"}
    assert wait_for("a scrape of each target", health, AT_MOST_SECONDS) == expected


def test_every_rule_is_loaded_and_answers_without_an_error(stack: Stack) -> None:
    rules = [rule for group in prometheus(stack, "rules")["groups"] for rule in group["rules"]]
    shipped = yaml.safe_load((ROOT / "grafana" / "rules" / "taximeter.yml").read_text())
    assert len(rules) == sum(len(group["rules"]) for group in shipped["groups"])
    # Some are evaluated every five minutes only: each is asked now.
    for rule in rules:
        prometheus(stack, f"query?{urlencode({'query': rule['query']})}")
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []


def test_an_alert_reaches_alertmanager(stack: Stack) -> None:
    def alerts() -> list[Any]:
        found = get_json(f"{stack.url('alertmanager', 9093)}/api/v2/alerts")
        return [a for a in found if a["labels"]["alertname"] == "TaximeterWatchdog"]

    (watchdog,) = wait_for("the watchdog", alerts, AT_MOST_SECONDS)
    assert watchdog["status"]["state"] == "active"


def test_the_proof_of_the_ledger_holds(stack: Stack) -> None:
    said = stack.run("processor", "taximeter", "ledger", "verify")
    assert said.splitlines()[-1] == f"9 calls, ${TOTAL}"


def test_a_message_to_an_owner_reaches_the_mail_server(stack: Stack) -> None:
    stack.run("processor", "taximeter", "digest", "--owner", "alice")
    (message,) = wait_for("the digest", lambda: stack.mail.received)
    assert message["To"] == "alice@example.com"
    assert "$2.00" in message["Subject"]


@pytest.fixture
def grafana(stack: Stack) -> Iterator[psycopg.Connection[Any]]:
    """The connection of Grafana's data source, with the variables of its container."""
    variables = dict(
        line.split("=", 1) for line in stack.said["grafana"].splitlines() if "=" in line
    )
    sources = Path(variables["GF_PATHS_PROVISIONING"]) / "datasources" / "taximeter-ledger.yaml"
    (source,) = yaml.safe_load(sources.read_text())["datasources"]
    host, _, port = source["url"].partition(":")
    with psycopg.connect(
        host=host,
        port=port,
        user=variables[source["user"].removeprefix("$")],
        password=variables[source["secureJsonData"]["password"].removeprefix("$")],
        dbname=source["jsonData"]["database"],
        sslmode=source["jsonData"]["sslmode"],
    ) as connection:
        yield connection


def test_grafana_reads_the_views_with_what_its_container_is_given(
    grafana: psycopg.Connection[Any],
) -> None:
    assert grafana.execute("select sum(cost_usd) from v_requests").fetchall() == [(TOTAL,)]
    for view in VIEWS:
        assert grafana.execute(f"select from {view}").fetchall()


def test_grafana_reads_nothing_else(grafana: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="table calls"):
        grafana.execute("select * from calls")
