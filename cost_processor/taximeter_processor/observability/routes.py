"""Turns owners and how to reach them into Alertmanager's configuration: nobody is left unowned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from taximeter_processor.errors import ConfigError
from taximeter_processor.names import UNOWNED
from taximeter_processor.observability.alerts import ALL
from taximeter_processor.observability.alerts.alert import SUBJECT, WATCHDOG, Alert

NOBODY: Final = "nobody"
"""The receiver that drops what it gets: for a watchdog without a dead man's switch."""

_HEADLINE: Final = (
    "{{ (index .Alerts 0).Annotations.summary }}"
    "{{ if gt (len .Alerts) 1 }} (and {{ len .Alerts }} in all){{ end }}"
)
_TITLE: Final = "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }}"
# Tags reach these texts: `<` would let one write a Slack command such as <!channel>.
_DETAILS: Final = (
    '{{ range .Alerts }}{{ .Annotations.summary | reReplaceAll "<" "&lt;" }}\n'
    '{{ .Annotations.description | reReplaceAll "<" "&lt;" }}\n'
    "Dashboard: {{ .Annotations.dashboard }}\nRunbook: {{ .Annotations.runbook_url }}\n{{ end }}"
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A named person or rota, and every way to reach them; an empty field is not used."""

    name: str
    webhook_url: str = ""
    email: str = ""
    slack_channel: str = ""
    slack_api_url_file: str = ""
    pagerduty_routing_key_file: str = ""

    @property
    def is_reachable(self) -> bool:
        """Whether at least one channel is complete."""
        slack = self.slack_channel and self.slack_api_url_file
        return bool(self.webhook_url or self.email or slack or self.pagerduty_routing_key_file)


@dataclass(frozen=True, slots=True)
class MailServer:
    """How Alertmanager sends e-mail."""

    smarthost: str = "localhost:25"
    sender: str = "taximeter@localhost"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long alerts are gathered before a message, and when it is repeated."""

    group_wait: str = "30s"
    group_interval: str = "5m"
    repeat_interval: str = "12h"


def alertmanager_config(
    owners: Sequence[Receiver],
    fallback: Receiver,
    *,
    deadman: Receiver | None = None,
    mail: MailServer | None = None,
    timing: Timing | None = None,
) -> dict[str, object]:
    """Alertmanager's configuration as plain values: one route and receiver for each owner.

    An owner without a complete contact has no route of their own: the fallback is told instead.
    Raises `ConfigError` when the fallback cannot be reached, or two receivers share a name.
    """
    reachable = [owner for owner in owners if owner.is_reachable]
    _check(reachable, fallback, deadman)
    watchdog = deadman or Receiver(NOBODY)
    receivers = [fallback, *reachable, watchdog]
    config: dict[str, object] = {
        "route": _route(reachable, fallback, watchdog, timing or Timing()),
        "inhibit_rules": _inhibit_rules(),
        "receivers": [_receiver(receiver) for receiver in receivers],
    }
    if any(receiver.email for receiver in receivers):
        mail = mail or MailServer()
        return {"global": {"smtp_smarthost": mail.smarthost, "smtp_from": mail.sender}, **config}
    return config


def _check(owners: Sequence[Receiver], fallback: Receiver, deadman: Receiver | None) -> None:
    if not fallback.is_reachable:
        raise ConfigError(
            "fallback_owner: no complete contact, so alerts that nobody owns would be lost; "
            "expected webhook_url, email, pagerduty_routing_key_file, or slack_channel with "
            "slack_api_url_file"
        )
    names = [NOBODY, UNOWNED, fallback.name, *(owner.name for owner in owners)]
    names += [deadman.name] if deadman else []
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(f"owners: {repeated[0]!r} is taken by another receiver; rename it")


def _route(
    owners: Sequence[Receiver], fallback: Receiver, watchdog: Receiver, timing: Timing
) -> dict[str, object]:
    routes: list[dict[str, object]] = [
        {
            "matchers": [_equals("alertname", WATCHDOG)],
            "receiver": watchdog.name,
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1m",
            "repeat_interval": "1m",
        }
    ]
    routes += [
        {"matchers": [_equals("owner", owner.name)], "receiver": owner.name} for owner in owners
    ]
    routes.append(
        {
            "matchers": [f'owner=~"{UNOWNED}|"'],
            "receiver": fallback.name,
            "group_by": ["alertname", "feature"],
        }
    )
    return {
        "receiver": fallback.name,
        "group_by": ["owner", "alertname"],
        "group_wait": timing.group_wait,
        "group_interval": timing.group_interval,
        "repeat_interval": timing.repeat_interval,
        "routes": routes,
    }


def _inhibit_rules() -> list[dict[str, object]]:
    """What follows from an alert, then what says less than another about the same thing."""
    sources = sorted({alert.inhibited_by for alert in ALL if alert.inhibited_by})
    found = [
        _inhibit(source, [alert for alert in ALL if alert.inhibited_by == source])
        for source in sources
    ]
    for source in sorted({name for alert in ALL for name in alert.outranked_by}):
        targets = [alert for alert in ALL if source in alert.outranked_by]
        found.append({**_inhibit(source, targets), "equal": list(SUBJECT)})
    return found


def _inhibit(source: str, targets: Sequence[Alert]) -> dict[str, object]:
    names = "|".join(alert.name for alert in targets)
    return {
        "source_matchers": [_equals("alertname", source)],
        "target_matchers": [f'alertname=~"{names}"'],
    }


def _equals(label: str, value: str) -> str:
    return f"{label}={json.dumps(value, ensure_ascii=False)}"


def _receiver(receiver: Receiver) -> dict[str, object]:
    """Alertmanager's form of a receiver; the wording of a message is the alert's own."""
    config: dict[str, object] = {"name": receiver.name}
    if receiver.webhook_url:
        config["webhook_configs"] = [{"url": receiver.webhook_url, "send_resolved": True}]
    if receiver.email:
        config["email_configs"] = [
            {
                "to": receiver.email,
                "send_resolved": True,
                "headers": {"Subject": f"[{{{{ .Status | toUpper }}}}] {_HEADLINE}"},
            }
        ]
    if receiver.slack_channel and receiver.slack_api_url_file:
        config["slack_configs"] = [
            {
                "api_url_file": receiver.slack_api_url_file,
                "channel": receiver.slack_channel,
                "send_resolved": True,
                "title": _TITLE,
                "text": _DETAILS,
                "fallback": _TITLE,
            }
        ]
    if receiver.pagerduty_routing_key_file:
        config["pagerduty_configs"] = [
            {
                "routing_key_file": receiver.pagerduty_routing_key_file,
                "description": _HEADLINE,
                "severity": "{{ or .CommonLabels.severity `critical` }}",
            }
        ]
    return config
