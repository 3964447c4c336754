"""Turns a name and ways to reach it into a receiver of Alertmanager; the words are the alert's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from taximeter_processor.people import Contact

_HEADLINE: Final = (
    "{{ (index .Alerts 0).Annotations.summary }}"
    "{{ if gt (len .Alerts) 1 }} (and {{ len .Alerts }} in all){{ end }}"
)
_TITLE: Final = "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }}"
_LINKS: Final = (
    "Dashboard: {{ .Annotations.dashboard }}\nRunbook: {{ .Annotations.runbook_url }}\n{{ end }}"
)
_PLAIN: Final = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n" + _LINKS
)
# Tags reach these texts: `<` would let one write a Slack command such as <!channel>.
_DETAILS: Final = (
    '{{ range .Alerts }}{{ .Annotations.summary | reReplaceAll "<" "&lt;" }}\n'
    '{{ .Annotations.description | reReplaceAll "<" "&lt;" }}\n' + _LINKS
)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A named person or rota, and every way to reach them."""

    name: str
    contact: Contact = field(default_factory=Contact)

    @property
    def is_reachable(self) -> bool:
        """Whether at least one channel is complete."""
        return self.contact.is_complete


def receiver_config(receiver: Receiver) -> dict[str, object]:
    """Alertmanager's form; a channel that lacks something is left out."""
    contact = receiver.contact
    config: dict[str, object] = {"name": receiver.name}
    if contact.webhook_url:
        config["webhook_configs"] = [{"url": contact.webhook_url, "send_resolved": True}]
    if contact.email:
        config["email_configs"] = [_email(contact.email)]
    if contact.slack_channel and contact.slack_api_url_file:
        config["slack_configs"] = [_slack(contact.slack_channel, contact.slack_api_url_file)]
    if contact.pagerduty_routing_key_file:
        config["pagerduty_configs"] = [
            {
                **({"url": contact.pagerduty_url} if contact.pagerduty_url else {}),
                "routing_key_file": contact.pagerduty_routing_key_file,
                "description": _HEADLINE,
                "severity": "{{ or .CommonLabels.severity `critical` }}",
            }
        ]
    if contact.opsgenie_api_key_file:
        config["opsgenie_configs"] = [
            {
                **({"api_url": contact.opsgenie_api_url} if contact.opsgenie_api_url else {}),
                "api_key_file": contact.opsgenie_api_key_file,
                "message": _HEADLINE,
                "description": _PLAIN,
                "priority": "{{ if eq .CommonLabels.severity `critical` }}P1{{ else }}P3{{ end }}",
            }
        ]
    return config


def _email(address: str) -> dict[str, object]:
    return {
        "to": address,
        "send_resolved": True,
        "headers": {"Subject": f"[{{{{ .Status | toUpper }}}}] {_HEADLINE}"},
    }


def _slack(channel: str, api_url_file: str) -> dict[str, object]:
    return {
        "api_url_file": api_url_file,
        "channel": channel,
        "send_resolved": True,
        "title": _TITLE,
        "text": _DETAILS,
        "fallback": _TITLE,
    }
