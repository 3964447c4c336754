from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from taximeter_processor.errors import ConfigError
from taximeter_processor.observability.alerts import ALL
from taximeter_processor.observability.render import to_yaml
from taximeter_processor.observability.routes import (
    MailServer,
    Receiver,
    Timing,
    alertmanager_config,
)
from tests.taximeter_processor.observability.prometheus_tools import ROOT, accepts, run

EXAMPLE = ROOT / "grafana" / "alertmanager" / "alertmanager.yml"
FALLBACK = Receiver("fallback", webhook_url="http://127.0.0.1:9/fallback")
ALICE = Receiver("alice", webhook_url="http://127.0.0.1:9/alice")


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
    path = written(tmp_path, alertmanager_config([ALICE], FALLBACK))
    accepts("amtool", "check-config", path)
    assert receivers_of(path, "alertname=TaximeterWatchdog", "owner=unowned") == "nobody"


def test_an_owner_without_a_contact_is_covered_by_the_fallback(tmp_path: Path) -> None:
    owners = [ALICE, Receiver("bob", slack_channel="#no-address-file")]
    path = written(tmp_path, alertmanager_config(owners, FALLBACK))
    assert receivers_of(path, "owner=bob") == "fallback"


def test_every_channel_of_an_owner_is_accepted_and_used(tmp_path: Path) -> None:
    everywhere = Receiver(
        "carol",
        webhook_url="http://127.0.0.1:9/carol",
        email="carol@example.com",
        slack_channel="#cost",
        slack_api_url_file="/run/slack",
        pagerduty_routing_key_file="/run/pagerduty",
    )
    path = written(
        tmp_path,
        alertmanager_config([everywhere], FALLBACK, mail=MailServer("mail:587", "cost@x.example")),
    )
    accepts("amtool", "check-config", path)
    mail = yaml.safe_load(path.read_text())["global"]
    assert mail == {"smtp_smarthost": "mail:587", "smtp_from": "cost@x.example"}
    assert {*receivers(path)["carol"]} == {
        "name",
        "webhook_configs",
        "email_configs",
        "slack_configs",
        "pagerduty_configs",
    }


def test_messages_wait_as_long_as_they_are_told(tmp_path: Path) -> None:
    config = alertmanager_config([ALICE], FALLBACK, timing=Timing("1s", "2s", "3h"))
    route = yaml.safe_load(written(tmp_path, config).read_text())["route"]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == (
        "1s",
        "2s",
        "3h",
    )


def test_a_fallback_nobody_can_reach_is_refused() -> None:
    with pytest.raises(ConfigError, match="fallback_owner: no complete contact"):
        alertmanager_config([ALICE], Receiver("fallback"))


@pytest.mark.parametrize("name", ["fallback", "nobody", "unowned", "deadman"])
def test_an_owner_cannot_take_the_name_of_another_receiver(name: str) -> None:
    deadman = Receiver("deadman", webhook_url="http://127.0.0.1:9/deadman")
    taken = Receiver(name, webhook_url="http://127.0.0.1:9/x")
    with pytest.raises(ConfigError, match=f"'{name}' is taken"):
        alertmanager_config([taken], FALLBACK, deadman=deadman)


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
    (rule,) = yaml.safe_load(EXAMPLE.read_text())["inhibit_rules"]
    assert rule["source_matchers"] == ['alertname="TaximeterProcessorDown"']
    assert rule["target_matchers"] == [
        'alertname=~"TaximeterUnpricedSpend|TaximeterUnownedSpend|TaximeterDeadLetters"'
    ]
