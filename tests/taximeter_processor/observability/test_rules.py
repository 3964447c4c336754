from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from taximeter_processor import names
from taximeter_processor.names import OWNER_INFO, REQUESTS, SPEND
from taximeter_processor.observability import recorded
from taximeter_processor.observability.alerts import ALL
from taximeter_processor.observability.alerts.alert import Alert
from taximeter_processor.observability.rules import RECORDED, Links, rule_file
from tests.taximeter_processor.observability.prometheus_tools import (
    RULES,
    Expected,
    accepts,
    promtool_test,
    series,
)

OWNERS = "taximeter:owner"


def owner(feature: str, team: str, name: str, **labels: str) -> str:
    return series(OWNER_INFO, feature=feature, team=team, owner=name, **labels)


def test_promtool_accepts_the_rule_file() -> None:
    accepts("promtool", "check", "rules", "--lint-fatal", RULES)


def test_every_named_rule_is_recorded_once() -> None:
    found = [rule["record"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]]
    assert sorted(found) == sorted(recorded.RULES)
    assert {*RECORDED} == {*recorded.RULES} - {recorded.RULE_OWNER}


def test_two_replicas_of_one_ledger_do_not_double_the_spend(tmp_path: Path) -> None:
    given = {
        series(SPEND, feature="chat", window="today", instance=writer): "12.5x5"
        for writer in ("a", "b")
    }
    expected = Expected("5m", 'sum(taximeter:spend_usd{window="today"})', {"{}": 12.5})
    promtool_test(tmp_path, given, expected)


def test_a_feature_has_its_owner_once_however_many_replicas_tell_of_it(tmp_path: Path) -> None:
    given = {owner("chat", "growth", "alice", instance=writer): "1x5" for writer in ("a", "b")}
    row = f'{OWNERS}{{feature="chat",team="growth",owner="alice"}}'
    promtool_test(tmp_path, given, Expected("5m", OWNERS, {row: 1}))


def test_the_owner_whose_team_spends_most_has_a_shared_feature(tmp_path: Path) -> None:
    given = {
        owner("chat", "growth", "alice"): "1x5",
        owner("chat", "support", "bob"): "1x5",
        series(SPEND, feature="chat", team="growth", window="month"): "10x5",
        series(SPEND, feature="chat", team="support", window="month"): "30x5",
    }
    row = f'{OWNERS}{{feature="chat",team="support",owner="bob"}}'
    promtool_test(tmp_path, given, Expected("5m", OWNERS, {row: 1}))


def test_a_named_owner_goes_before_unowned_spend(tmp_path: Path) -> None:
    given = {
        owner("chat", "growth", "alice"): "1x5",
        owner("chat", "unknown", names.UNOWNED): "1x5",
        series(SPEND, feature="chat", team="unknown", window="month"): "30x5",
    }
    row = f'{OWNERS}{{feature="chat",team="growth",owner="alice"}}'
    promtool_test(tmp_path, given, Expected("5m", OWNERS, {row: 1}))


def test_a_feature_without_an_owner_is_unowned_even_before_it_has_cost_anything(
    tmp_path: Path,
) -> None:
    given = {series(REQUESTS, feature="new", status="unpriced"): "0+1x5"}
    row = f'{OWNERS}{{feature="new",team="unknown",owner="unowned"}}'
    promtool_test(tmp_path, given, Expected("5m", OWNERS, {row: 1}))


def test_an_owner_is_remembered_while_the_processor_is_away(tmp_path: Path) -> None:
    given = {owner("chat", "growth", "alice"): "1 1 1 stale"}
    row = f'{OWNERS}{{feature="chat",team="growth",owner="alice"}}'
    promtool_test(tmp_path, given, Expected("15m", OWNERS, {row: 1}), Expected("20m", OWNERS, {}))


def test_links_lead_where_they_are_told_to() -> None:
    links = Links(grafana_url="https://grafana.example", runbooks_url="https://wiki.example/cost")
    text = str(rule_file(links))
    assert "https://grafana.example/d/taximeter-daily?var-feature=" in text
    assert "https://wiki.example/cost/TaximeterBudgetExhausted.md" in text


def test_every_alert_has_a_name_of_its_own() -> None:
    assert len({alert.name for alert in ALL}) == len(ALL)
    assert all(alert.name.startswith("Taximeter") for alert in ALL)


def test_an_alert_is_only_inhibited_by_one_that_exists() -> None:
    known = {alert.name for alert in ALL}
    assert {alert.inhibited_by for alert in ALL if alert.inhibited_by} <= known


def test_what_is_normal_is_recorded_beside_the_alerts_that_ask_for_it() -> None:
    groups = {g["name"]: g for g in yaml.safe_load(RULES.read_text())["groups"]}
    anomaly = groups["taximeter-anomaly"]
    found = [rule["record"] for rule in anomaly["rules"] if "record" in rule]
    bases = {value for key, value in vars(recorded).items() if key.startswith("BASE_")}
    assert bases <= {*found}
    assert len(found) == len({*found})
    assert anomaly["interval"] == "5m"


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_an_alert_leads_to_a_board_that_is_there_and_can_be_narrowed(alert: Alert) -> None:
    board = RULES.parents[1] / "dashboards" / f"{alert.board.uid}.json"
    variables = {one["name"] for one in json.loads(board.read_text())["templating"]["list"]}
    assert alert.board.label in {"", *variables}


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [
        ("TaximeterSpendAnomaly", "taximeter-feature?var-feature="),
        ("TaximeterTenantSpendAnomaly", "taximeter-tenants?var-tenant="),
        ("TaximeterBudgetExhausted", "taximeter-budgets?var-feature="),
        ("TaximeterUnpricedSpend", "taximeter-daily?var-feature="),
    ],
)
def test_an_alert_leads_to_the_board_that_answers_it(name: str, leads_to: str) -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    (found,) = [rule for rule in rules if rule.get("alert") == name]
    assert f"/d/{leads_to}" in found["annotations"]["dashboard"]
