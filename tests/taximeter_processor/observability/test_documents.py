from __future__ import annotations

import json
import re

import pytest
import yaml

from taximeter_processor.observability.alerts import ALL
from taximeter_processor.observability.alerts.alert import Alert
from tests.taximeter_processor.observability.prometheus_tools import ROOT, RULES

DOCS = ROOT / "docs"
each_alert = pytest.mark.parametrize("alert", ALL, ids=[alert.name for alert in ALL])


@each_alert
def test_the_runbook_says_what_it_means_what_to_do_and_how_to_silence_it(alert: Alert) -> None:
    text = (DOCS / "runbooks" / f"{alert.name}.md").read_text()
    assert text.startswith(f"# {alert.name}\n")
    assert "**What it means.**" in text
    assert "**Act" in text
    if alert.severity != "none":
        assert f"amtool silence add alertname={alert.name}" in text
        assert "**It ends**" in text


def test_every_runbook_is_of_an_alert() -> None:
    written = {path.stem for path in (DOCS / "runbooks").glob("*.md")}
    assert written == {alert.name for alert in ALL}


def test_every_alert_leads_to_its_runbook() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    for rule in rules:
        assert (ROOT / rule["annotations"]["runbook_url"]).is_file()
    assert len(rules) == len(ALL)


@each_alert
def test_the_table_of_alerts_tells_severity_and_runbook(alert: Alert) -> None:
    text = (DOCS / "alerts.md").read_text()
    (row,) = re.findall(rf"^\| {alert.name} \|.*$", text, re.MULTILINE)
    assert f"| {alert.severity} |" in row
    assert f"(runbooks/{alert.name}.md)" in row


def test_every_dashboard_and_panel_is_in_the_documents() -> None:
    sections = (DOCS / "dashboards.md").read_text().split("\n## ")
    for path in (ROOT / "grafana" / "dashboards").glob("*.json"):
        board = json.loads(path.read_text())
        heading = f"{board['title']} (`{board['uid']}`)\n"
        (text,) = [section for section in sections if section.startswith(heading)]
        told = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
        assert told[1:] == [p["title"] for p in board["panels"] if p["type"] != "row"]
