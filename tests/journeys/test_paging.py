"""From a metric to the person: a real Prometheus and Alertmanager, one receiver of each kind.

Six budgets are exhausted. Five belong to owners who are reached in five ways, one to nobody. A
seventh is alice's too, and silenced. Alice does not react, so bob hears of hers as well.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from taximeter_processor.names import BUDGET, BUDGET_SPENT
from taximeter_processor.observability.generate import Plan, generate
from taximeter_processor.observability.receivers import Receiver
from taximeter_processor.observability.routes import MailServer, Routing, Timing
from taximeter_processor.people import Contact, Owner
from tests.support.loopback import OnePage
from tests.support.mail import MailSink
from tests.support.servers import Alertmanager, Prometheus, Webhook, program, wait_for

OWNERS = ("alice", "bob", "carol", "dan", "erin", "unowned")
ESCALATES_AFTER = "8s"


class Paged(NamedTuple):
    """Who heard what."""

    http: Webhook
    mail: MailSink
    alertmanager: Alertmanager
    config: str


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paged]:
    root = tmp_path_factory.mktemp("paging")
    http, mail, metrics = Webhook(), MailSink(), OnePage(_budgets(), "text/plain; version=0.0.4")
    files = _generated(root, http.url, mail.address)
    alertmanager = Alertmanager(root / "alertmanager", files["alertmanager/alertmanager.yml"])
    alertmanager.start()
    _silence(alertmanager, "budget=quiet")
    port = metrics.port
    prometheus = Prometheus(root / "prometheus", _config(root, files, port, alertmanager))
    prometheus.start()
    wait_for("every receiver's message", lambda: _heard(http) >= EXPECTED and mail.received, 90)
    yield Paged(http, mail, alertmanager, files["alertmanager/alertmanager.yml"])
    for server in (prometheus, alertmanager):
        server.stop()
    for sink in (http, mail):
        sink.stop()
    metrics.stop()


EXPECTED = {"/alice", "/carol", "/pagerduty", "/v2/alerts", "/fallback"}


def _heard(http: Webhook) -> set[str]:
    return {path for path, _ in http.received}


def _budgets() -> str:
    lines = []
    for name, owner in [*((f"of {owner}", owner) for owner in OWNERS), ("quiet", "alice")]:
        labels = f'budget="{name}",owner="{owner}",feature="{owner}-feature",team="",period="day"'
        lines += [f"{BUDGET.name}{{{labels}}} 10", f"{BUDGET_SPENT.name}{{{labels}}} 12.5"]
    return "\n".join(lines) + "\n"


def _generated(root: Path, url: str, smarthost: str) -> dict[str, str]:
    (root / "key").write_text("0123456789abcdef")
    (root / "slack").write_text(f"{url}/carol")
    key = str(root / "key")
    contacts = {
        "alice": Contact(webhook_url=f"{url}/alice"),
        "bob": Contact(email="bob@example.com"),
        "carol": Contact(slack_channel="#cost", slack_api_url_file=str(root / "slack")),
        "dan": Contact(pagerduty_routing_key_file=key, pagerduty_url=f"{url}/pagerduty"),
        "erin": Contact(opsgenie_api_key_file=key, opsgenie_api_url=f"{url}/"),
    }
    owners = [
        Owner(
            name=name,
            contact=contact,
            escalate_to="bob" if name == "alice" else None,
            escalate_after=ESCALATES_AFTER,
        )
        for name, contact in contacts.items()
    ]
    routing = Routing(
        owners=owners,
        fallback=Receiver("fallback", Contact(webhook_url=f"{url}/fallback")),
        mail=MailServer(smarthost, "cost@example.com", require_tls=False),
        timing=Timing("1s", "1s", "1h"),
        year=2026,
    )
    files = generate(Path(), Plan(routing), with_dashboards=False)
    return {str(path): text for path, text in files.items()}


def _silence(alertmanager: Alertmanager, matcher: str) -> None:
    subprocess.run(
        [
            program("amtool"), f"--alertmanager.url={alertmanager.url}",
            "silence", "add", matcher, "--comment=known", "--author=test", "--duration=1h",
        ],
        check=True, capture_output=True,
    )  # fmt: skip


def _config(
    root: Path, files: dict[str, str], port: int, alertmanager: Alertmanager
) -> dict[str, Any]:
    rules = yaml.safe_load(files["rules/taximeter.yml"])
    for group in rules["groups"]:
        group["interval"] = "1s"
    (root / "rules.yml").write_text(yaml.safe_dump(rules))
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(root / "rules.yml")],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]
        },
        "scrape_configs": [
            {"job_name": "taximeter", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        ],
    }


def bodies(paged: Paged, path: str) -> str:
    return str([body for found, body in paged.http.received if found == path])


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/alice", "alice"),
        ("/carol", "carol"),
        ("/pagerduty", "dan"),
        ("/v2/alerts", "erin"),
        ("/fallback", "unowned"),
    ],
)
def test_each_receiver_hears_of_its_own_owner_and_of_nobody_else(
    paged: Paged, path: str, owner: str
) -> None:
    text = bodies(paged, path)
    budget = f"Budget of {owner} is exhausted: $12.50 of $10.00"
    # PagerDuty and Opsgenie get the headline; the others are told as well.
    assert budget in text or ("TaximeterBudgetExhausted" in text and path == "/fallback")
    assert [name for name in OWNERS if name != owner and f"Budget of {name}" in text] == []


def test_a_mail_has_the_dollars_in_its_subject(paged: Paged) -> None:
    subjects = [str(message["Subject"]) for message in paged.mail.received]
    assert any(s.startswith("[FIRING] Budget of bob is exhausted: $12.50") for s in subjects)
    assert {str(message["To"]) for message in paged.mail.received} == {"bob@example.com"}


def test_what_alice_does_not_solve_goes_to_bob_later(paged: Paged) -> None:
    escalated = wait_for(
        "the escalation",
        lambda: [m for m in paged.mail.received if "Budget of alice" in str(m["Subject"])],
    )
    assert len(escalated) == 1
    assert len(paged.mail.received) == 2


def test_what_is_silenced_reaches_neither_the_owner_nor_the_escalation(paged: Paged) -> None:
    wait_for("the escalation", lambda: len(paged.mail.received) >= 2)
    time.sleep(2)
    said = str(paged.http.received) + str([m["Subject"] for m in paged.mail.received])
    assert "Budget quiet" not in said


def test_contacts_are_in_no_label(paged: Paged) -> None:
    answer = subprocess.run(
        [program("amtool"), f"--alertmanager.url={paged.alertmanager.url}", "alert", "-o", "json"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "TaximeterBudgetExhausted" in answer
    assert "bob@example.com" not in answer
    assert "/alice" not in answer
    assert "bob@example.com" in paged.config
