"""From a provider's bytes to exact money: in the ledger, on the scrape, on a panel, in a page.

An application with the real openai SDK, one line of Taximeter, a real Collector, the processor, a
real Prometheus and a real Alertmanager; a webhook stands in for the pager. The plan, by hand:

    search  20 streams gpt-5-mini   20 x $0.0002368 = $0.004736
    chat    40 answers gpt-4.1      40 x $0.000118  = $0.004720
    index   10 embeddings           10 x $0.00000016 = $0.0000016
                                                      $0.0094576
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from taximeter_processor.observability.generate import Plan, generate
from taximeter_processor.observability.queries import panel_queries
from taximeter_processor.observability.receivers import Receiver
from taximeter_processor.observability.routes import Routing, Timing
from taximeter_processor.observability.rules import Links
from taximeter_processor.people import Contact, Owner
from tests.journeys.conftest import App, finish, noon_zone
from tests.support.collector import Collector
from tests.support.provider import ReplayProvider
from tests.support.servers import Alertmanager, Processor, Prometheus, Webhook, wait_for

ROOT = Path(__file__).parents[2]
PLAN = (
    "stream:search:growth:acme:interactive:20",
    "chat:chat:support:globex:interactive:40",
    "embeddings:index:growth:acme:batch:10",
)
TOTAL_USD = 0.0094576
LINKS = Links(grafana_url="https://grafana.example", runbooks_url="https://runbooks.example")


class Journey(NamedTuple):
    """Everything that runs, after the application has ended."""

    processor: Processor
    prometheus: Prometheus
    webhook: Webhook


@pytest.fixture(scope="module")
def journey(
    tmp_path_factory: pytest.TempPathFactory, provider: ReplayProvider, app: App
) -> Iterator[Journey]:
    root = tmp_path_factory.mktemp("journey")
    webhook = Webhook()
    processor = Processor(
        root / "processor",
        timezone=noon_zone(),
        owners=[
            {"name": "alice", "features": ["chat"], "contact": {"webhook_url": webhook.url}},
            {"name": "bob", "teams": ["growth"], "contact": {"webhook_url": webhook.url}},
        ],
        budgets=[
            {"name": "chat", "feature": "chat", "period": "day", "usd": "0.004"},
            {"name": "search", "feature": "search", "period": "day", "usd": "1"},
        ],
    )
    processor.start()
    collector = Collector(root / "collector", processor.url)
    collector.start()
    finish(app(collector.url, *PLAN))
    wait_for("every call in the ledger", lambda: _requests(processor) == 70)
    alertmanager = Alertmanager(root / "alertmanager", _routes(webhook))
    alertmanager.start()
    prometheus = Prometheus(root / "prometheus", _scrape(root, processor, collector, alertmanager))
    prometheus.start()
    wait_for(
        "a scrape and its rules",
        lambda: prometheus.query('sum(taximeter:spend_usd{window="today"})'),
    )
    yield Journey(processor, prometheus, webhook)
    for server in (prometheus, alertmanager, collector, processor):
        server.stop()
    webhook.stop()


def _requests(processor: Processor) -> int:
    return int(processor.api("costs", since="1d")["total"]["requests"])


def _generated(webhook_url: str) -> dict[str, str]:
    def reached(name: str) -> Contact:
        return Contact(webhook_url=f"{webhook_url}/{name}")

    routing = Routing(
        owners=[Owner(name=name, contact=reached(name)) for name in ("alice", "bob")],
        fallback=Receiver("fallback", reached("fallback")),
        timing=Timing(group_wait="1s", group_interval="1s", repeat_interval="1h"),
        year=2026,
    )
    plan = Plan(routing, links=LINKS)
    files = generate(Path(), plan, with_dashboards=False)
    return {str(path): text for path, text in files.items()}


def _routes(webhook: Webhook) -> str:
    return _generated(webhook.url)["alertmanager/alertmanager.yml"]


def _scrape(
    root: Path, processor: Processor, collector: Collector, alertmanager: Alertmanager
) -> dict[str, Any]:
    """The shipped scrape configuration with these ports, evaluated every second."""
    files = _generated("http://127.0.0.1:1")
    rules = yaml.safe_load(files["rules/taximeter.yml"])
    for group in rules["groups"]:
        group["interval"] = "1s"
    (root / "rules.yml").write_text(yaml.safe_dump(rules))
    target = {"targets": [f"127.0.0.1:{processor.port}"], "labels": {"instance": "main"}}
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(root / "rules.yml")],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]
        },
        "scrape_configs": [
            {"job_name": "taximeter", "static_configs": [target]},
            {
                "job_name": "otel-collector",
                "static_configs": [{"targets": [collector.metrics_target]}],
            },
        ],
    }


def test_the_ledger_holds_exactly_what_the_provider_served(
    journey: Journey, provider: ReplayProvider
) -> None:
    assert provider.served == {"stream": 20, "chat": 40, "embeddings": 10}
    answer = journey.processor.api("costs", by="feature,team,tenant,request_type", since="1d")
    rows = {tuple(row.values())[:4]: (row["cost_usd"], row["requests"]) for row in answer["rows"]}
    assert rows == {
        ("search", "growth", "acme", "interactive"): ("0.004736", 20),
        ("chat", "support", "globex", "interactive"): ("0.00472", 40),
        ("index", "growth", "acme", "batch"): ("0.0000016", 10),
    }
    assert Decimal(answer["total"]["cost_usd"]) == Decimal(provider.cost_pico()).scaleb(-12)


@pytest.mark.parametrize(
    ("expression", "usd"),
    [
        ('sum(taximeter:spend_usd{window="today"})', TOTAL_USD),
        ('sum(taximeter:spend_usd{window="month"})', TOTAL_USD),
        ('sum(taximeter:spend_usd{window="today",feature="chat"})', 0.00472),
        ('sum(taximeter:spend_usd{window="today",team="growth"})', 0.0047376),
        ('sum(taximeter:spend_usd{window="today",request_type="batch"})', 0.0000016),
        ('sum(taximeter:tenant_spend_usd{window="today",tenant="globex"})', 0.00472),
        ("sum(taximeter_cost_usd_total)", TOTAL_USD),
        ('sum(taximeter_cost_usd_total{meter="cache_read"})', 20 * 1152 * 0.025e-6),
        # 1152 cached tokens a stream at $0.225 a million less.
        ('sum(taximeter_saved_usd_total{source="prompt_cache"})', 20 * 1152 * 0.225e-6),
        ('sum(taximeter_requests_total{status="priced"})', 70),
        ("sum(taximeter_request_cost_usd_count)", 70),
        ("sum(taximeter_request_cost_usd_sum)", TOTAL_USD),
    ],
)
def test_prometheus_shows_the_same_money(journey: Journey, expression: str, usd: float) -> None:
    assert journey.prometheus.value(expression) == pytest.approx(usd, rel=1e-12)


def test_every_feature_has_exactly_one_owner(journey: Journey) -> None:
    rows = journey.prometheus.query("taximeter:owner")
    owners = {row["metric"]["feature"]: row["metric"]["owner"] for row in rows}
    assert owners == {"chat": "alice", "search": "bob", "index": "bob"}
    assert len(rows) == 3


def test_every_panel_s_query_runs(journey: Journey) -> None:
    for path in (ROOT / "grafana" / "dashboards").glob("*.json"):
        for query in panel_queries(json.loads(path.read_text())):
            journey.prometheus.query(query.expr)


def test_the_panel_of_today_s_total_shows_the_ledger_s_sum(journey: Journey) -> None:
    board = json.loads((ROOT / "grafana" / "dashboards" / "taximeter-daily.json").read_text())
    totals = [q for q in panel_queries(board) if q.panel_title.lower().startswith("spend today")]
    assert journey.prometheus.value(totals[0].expr) == pytest.approx(TOTAL_USD, rel=1e-12)


def test_a_budget_that_is_exhausted_pages_its_owner_by_name(journey: Journey) -> None:
    def page() -> dict[str, Any] | None:
        for path, body in journey.webhook.received:
            for alert in body["alerts"]:
                if alert["labels"]["alertname"] == "TaximeterBudgetExhausted":
                    return {"path": path, **alert}
        return None

    alert = wait_for("the page", page)
    assert alert["path"] == "/alice"
    assert (alert["labels"]["owner"], alert["labels"]["feature"]) == ("alice", "chat")
    # $0.00472 spent of $0.004.
    assert "$0.00" in alert["annotations"]["summary"]
    assert alert["annotations"]["dashboard"].startswith("https://grafana.example/d/")
    assert alert["annotations"]["runbook_url"].startswith("https://runbooks.example/")


def test_a_budget_that_is_not_exhausted_pages_nobody(journey: Journey) -> None:
    firing = journey.prometheus.query('ALERTS{alertname="TaximeterBudgetExhausted"}')
    assert {row["metric"]["budget"] for row in firing} == {"chat"}


def test_the_collector_s_own_metrics_are_scraped(journey: Journey) -> None:
    wait_for(
        "the Collector's metrics",
        lambda: journey.prometheus.query('{__name__=~"otelcol_exporter_sent_spans(_total)?"}'),
    )


def test_at_the_end_ledger_meters_and_counters_agree(journey: Journey) -> None:
    verified = journey.processor.api("ledger/verify")
    assert [check for check in verified["checks"] if not check["ok"]] == []
    assert verified["cost_usd"] == "0.0094576"
