from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from taximeter_processor.errors import ConfigError
from taximeter_processor.observability.alerts import ALL
from taximeter_processor.observability.receivers import Receiver
from taximeter_processor.observability.render import to_yaml
from taximeter_processor.observability.routes import (
    MailServer,
    Routing,
    Timing,
    alertmanager_config,
)
from taximeter_processor.people import Contact, Owner, Rota, WorkingHours
from tests.taximeter_processor.observability.prometheus_tools import ROOT, accepts, run

EXAMPLE = ROOT / "grafana" / "alertmanager" / "alertmanager.yml"
FALLBACK = Receiver("fallback", Contact(webhook_url="http://127.0.0.1:9/fallback"))
ALICE = Owner(name="alice", contact=Contact(webhook_url="http://127.0.0.1:9/alice"))


def routed(*owners: Owner, **more: Any) -> dict[str, object]:
    return alertmanager_config(
        Routing(**{"fallback": FALLBACK, "year": 2026, **more}, owners=owners)
    )


def written(folder: Path, config: dict[str, object]) -> Path:
    path = folder / "alertmanager.yml"
    path.write_text(to_yaml(config))
    return path


def receivers(path: Path) -> dict[str, Any]:
    return {found["name"]: found for found in yaml.safe_load(path.read_text())["receivers"]}


def receivers_of(path: Path, *labels: str) -> str:
    result = run("amtool", "config", "routes", "test", f"--config.file={path}", *labels)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_amtool_accepts_the_example() -> None:
    accepts("amtool", "check-config", EXAMPLE)


@pytest.mark.parametrize("owner", ["alice", "bob", "search-oncall"])
def test_each_owner_is_told_of_their_own_alerts(owner: str) -> None:
    for alert in ALL:
        if alert.severity != "none":
            assert receivers_of(EXAMPLE, f"alertname={alert.name}", f"owner={owner}") == owner


@pytest.mark.parametrize("labels", [["owner=unowned"], ["owner=carol"], ["severity=critical"]])
def test_nobody_is_unowned(labels: list[str]) -> None:
    assert receivers_of(EXAMPLE, "alertname=TaximeterBudgetExhausted", *labels) == "fallback"


def test_the_watchdog_goes_to_the_dead_mans_switch_alone() -> None:
    assert receivers_of(EXAMPLE, "alertname=TaximeterWatchdog", "owner=unowned") == "deadman"


def test_without_a_dead_mans_switch_nobody_is_bothered_by_the_watchdog(tmp_path: Path) -> None:
    path = written(tmp_path, routed(ALICE))
    accepts("amtool", "check-config", path)
    assert receivers_of(path, "alertname=TaximeterWatchdog", "owner=unowned") == "nobody"


def test_an_owner_without_a_contact_is_covered_by_the_fallback(tmp_path: Path) -> None:
    bob = Owner(name="bob", contact=Contact(slack_channel="#no-address-file"))
    path = written(tmp_path, routed(ALICE, bob))
    assert receivers_of(path, "owner=bob") == "fallback"


def test_every_channel_of_an_owner_is_accepted_and_used(tmp_path: Path) -> None:
    everywhere = Contact(
        webhook_url="http://127.0.0.1:9/carol",
        email="carol@example.com",
        slack_channel="#cost",
        slack_api_url_file="/run/slack",
        pagerduty_routing_key_file="/run/pagerduty",
        opsgenie_api_key_file="/run/opsgenie",
        opsgenie_api_url="http://127.0.0.1:9/",
    )
    carol = Owner(name="carol", contact=everywhere)
    path = written(tmp_path, routed(carol, mail=MailServer("mail:587", "cost@x.example")))
    accepts("amtool", "check-config", path)
    mail = yaml.safe_load(path.read_text())["global"]
    assert mail == {"smtp_smarthost": "mail:587", "smtp_from": "cost@x.example"}
    assert {*receivers(path)["carol"]} == {
        "name",
        "webhook_configs",
        "email_configs",
        "slack_configs",
        "pagerduty_configs",
        "opsgenie_configs",
    }


def test_messages_wait_as_long_as_they_are_told(tmp_path: Path) -> None:
    config = routed(ALICE, timing=Timing("1s", "2s", "3h"))
    route = yaml.safe_load(written(tmp_path, config).read_text())["route"]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == (
        "1s",
        "2s",
        "3h",
    )


def test_a_fallback_nobody_can_reach_is_refused() -> None:
    with pytest.raises(ConfigError, match="fallback_owner: no complete contact"):
        routed(ALICE, fallback=Receiver("fallback"))


@pytest.mark.parametrize("name", ["fallback", "nobody", "unowned", "deadman"])
def test_an_owner_cannot_take_the_name_of_another_receiver(name: str) -> None:
    deadman = Receiver("deadman", Contact(webhook_url="http://127.0.0.1:9/deadman"))
    with pytest.raises(ConfigError, match=f"'{name}' is taken"):
        routed(Owner(name=name), deadman=deadman)


def rendered(text: str, folder: Path, *summaries: str) -> str:
    alerts = [
        {"labels": {}, "annotations": {"summary": summary, "description": "d"}}
        for summary in summaries
    ]
    data = folder / "data.json"
    data.write_text(json.dumps({"status": "firing", "alerts": alerts, "commonLabels": {}}))
    result = run(
        "amtool",
        *("template", "render", "--template.glob=/none", f"--template.data={data}"),
        f"--template.text={text}",
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_tag_cannot_give_slack_a_command(tmp_path: Path) -> None:
    (slack,) = receivers(EXAMPLE)["alice"]["slack_configs"]
    shown = rendered(slack["text"], tmp_path, "Budget <!channel> is exhausted")
    assert "Budget &lt;!channel> is exhausted\nd\n" in shown


def test_a_page_about_several_alerts_says_how_many(tmp_path: Path) -> None:
    (page,) = receivers(EXAMPLE)["alice"]["pagerduty_configs"]
    assert rendered(page["description"], tmp_path, "one").strip() == "one"
    assert rendered(page["description"], tmp_path, "one", "two").strip() == "one (and 2 in all)"


def test_a_mail_says_whether_it_is_over(tmp_path: Path) -> None:
    (mail,) = receivers(EXAMPLE)["bob"]["email_configs"]
    assert rendered(mail["headers"]["Subject"], tmp_path, "one").strip() == "[FIRING] one"


def test_a_dead_processor_silences_what_only_follows_from_it() -> None:
    rule = yaml.safe_load(EXAMPLE.read_text())["inhibit_rules"][0]
    assert rule["source_matchers"] == ['alertname="TaximeterProcessorDown"']
    (targets,) = rule["target_matchers"]
    followers = {alert.name for alert in ALL if alert.inhibited_by == "TaximeterProcessorDown"}
    assert {*targets.removeprefix('alertname=~"').removesuffix('"').split("|")} == followers
    assert {"TaximeterSpendAnomaly", "TaximeterUnownedSpend"} <= followers
    assert "TaximeterBudgetExhausted" not in followers


def test_an_alert_silences_only_what_says_less_about_the_same_thing() -> None:
    rules = yaml.safe_load(EXAMPLE.read_text())["inhibit_rules"][1:]
    found = {rule["source_matchers"][0]: rule for rule in rules}
    exhausted = found['alertname="TaximeterBudgetExhausted"']
    assert exhausted["equal"] == ["budget", "feature", "tenant"]
    assert exhausted["target_matchers"] == [
        'alertname=~"TaximeterBudgetBurnFast|TaximeterBudgetBurnSlow|TaximeterForecastOverBudget"'
    ]


BOB = Owner(name="bob", contact=Contact(email="bob@example.com"))


def test_a_critical_alert_is_also_told_to_whom_it_escalates(tmp_path: Path) -> None:
    path = written(tmp_path, routed(ALICE.model_copy(update={"escalate_to": "bob"}), BOB))
    accepts("amtool", "check-config", path)
    assert receivers_of(path, "owner=alice", "severity=critical") == "bob,alice"
    assert receivers_of(path, "owner=alice", "severity=warning") == "alice"
    escalation = yaml.safe_load(path.read_text())["route"]["routes"][1]
    assert (escalation["group_wait"], escalation["group_by"]) == ("30m", ["..."])


def test_what_is_not_critical_waits_for_working_hours(tmp_path: Path) -> None:
    hours = WorkingHours(days=("monday", "tuesday"), start="08:00", end="18:00")
    path = written(tmp_path, routed(ALICE.model_copy(update={"working_hours": hours})))
    accepts("amtool", "check-config", path)
    config = yaml.safe_load(path.read_text())
    route = config["route"]["routes"][1]
    assert route["routes"] == [
        {
            "matchers": ['severity=~"info|warning"'],
            "receiver": "alice",
            "mute_time_intervals": ["alice is off"],
        }
    ]
    (off,) = config["time_intervals"]
    assert off["time_intervals"] == [
        {
            "weekdays": ["wednesday", "thursday", "friday", "saturday", "sunday"],
            "location": "UTC",
        },
        {
            "times": [
                {"start_time": "00:00", "end_time": "08:00"},
                {"start_time": "18:00", "end_time": "24:00"},
            ],
            "weekdays": ["monday", "tuesday"],
            "location": "UTC",
        },
    ]


def test_a_rota_without_a_contact_reaches_its_persons_in_turn(tmp_path: Path) -> None:
    rota = Rota(persons=("alice", "bob"), since=date(2026, 1, 5))
    path = written(tmp_path, routed(ALICE, BOB, Owner(name="oncall", rota=rota)))
    accepts("amtool", "check-config", path)
    assert receivers_of(path, "owner=oncall") == "alice,bob,fallback"
    config = yaml.safe_load(path.read_text())
    named = {found["name"]: found["time_intervals"] for found in config["time_intervals"]}
    assert named["alice is on duty for oncall"][0]["days_of_month"] == ["5:11", "19:25"]
    # Before the rota began its turns are counted back: 29 December to 4 January is bob's.
    assert named["bob is on duty for oncall"][0]["days_of_month"] == ["1:4", "12:18", "26:31"]
    fallback = config["route"]["routes"][3]["routes"][-1]
    assert fallback["mute_time_intervals"] == ["oncall is planned"]
    assert named["oncall is planned"] == [{"years": ["2026:2027"], "location": "UTC"}]
