"""Turns the names of metrics and the registry of alerts into a Prometheus rule file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from taximeter_processor import names
from taximeter_processor.names import UNKNOWN_VALUE, UNOWNED
from taximeter_processor.observability import baselines, recorded
from taximeter_processor.observability.alerts import FAMILIES
from taximeter_processor.observability.alerts.alert import Alert
from taximeter_processor.observability.promql import REPLICA_LABELS, select

RECORDED: Final[Mapping[str, names.Metric]] = {
    recorded.RULE_SPEND: names.SPEND,
    recorded.RULE_SPEND_REQUESTS: names.SPEND_REQUESTS,
    recorded.RULE_BROKEN_OFF: names.BROKEN_OFF,
    recorded.RULE_TIER_SPEND: names.TIER_SPEND,
    recorded.RULE_SPEND_SAME_TIME: names.SPEND_SAME_TIME,
    recorded.RULE_TENANT_SPEND: names.TENANT_SPEND,
    recorded.RULE_TENANT_REQUESTS: names.TENANT_REQUESTS,
    recorded.RULE_BUDGET: names.BUDGET,
    recorded.RULE_BUDGET_SPENT: names.BUDGET_SPENT,
    recorded.RULE_FORECAST: names.FORECAST,
    recorded.RULE_RUN_RATE: names.RUN_RATE,
    recorded.RULE_SPEND_CHANGE: names.SPEND_CHANGE,
    recorded.RULE_TENANT_CHANGE: names.TENANT_CHANGE,
    recorded.RULE_OPTIMIZATION_START: names.OPTIMIZATION_START,
    recorded.RULE_OPTIMIZATION_EXPECTED: names.OPTIMIZATION_EXPECTED,
    recorded.RULE_OPTIMIZATION_COST: names.OPTIMIZATION_COST,
    recorded.RULE_OPTIMIZATION_REQUESTS: names.OPTIMIZATION_REQUESTS,
}
"""Each rule that only removes replicas, and the gauge it reads."""

OWNER_MEMORY: Final = "15m"
"""An owner is remembered this long while the processor is away, so that alerts keep theirs."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links in an alert lead."""

    grafana_url: str = "http://localhost:3000"
    runbooks_url: str = "docs/runbooks"


def rule_file(links: Links) -> dict[str, object]:
    """The rule file as plain values: recording rules first, then a group for each family."""
    groups: list[dict[str, object]] = [{"name": "taximeter", "rules": _recording_rules()}]
    for family, alerts in FAMILIES.items():
        recorded = [
            {"record": rule.name, "expr": rule.expr} for rule in baselines.GROUPS.get(family, ())
        ]
        group: dict[str, object] = {"name": f"taximeter-{family}"}
        if recorded:
            group["interval"] = baselines.INTERVAL
        group["rules"] = [*recorded, *(_alerting_rule(alert, links) for alert in alerts)]
        groups.append(group)
    return {"groups": groups}


def _recording_rules() -> list[dict[str, str]]:
    without = ", ".join(REPLICA_LABELS)
    rules = [
        {"record": rule, "expr": f"max without ({without}) ({metric.name})"}
        for rule, metric in RECORDED.items()
    ]
    return [*rules, {"record": recorded.RULE_OWNER, "expr": _owner_expr()}]


def _owner_expr() -> str:
    """One series a feature, always 1: its owner and that owner's team, or `unowned`.

    A feature that several teams use may match several owners: the one whose team spends most has
    it. Money breaks ties for good, where `topk` over equal values would flap.
    """
    info = select(names.OWNER_INFO.name, owner=f"!={UNOWNED}")
    owners = f"max by (feature, team, owner) (last_over_time({info}[{OWNER_MEMORY}]))"
    months = select(recorded.RULE_SPEND, window="=~month|last_month")
    features = " or ".join(
        f"group by (feature) ({metric.name})" for metric in (names.REQUESTS, names.SPEND)
    )
    return f"""\
group by (feature, team, owner) (
  topk by (feature) (1,
    {owners}
      * on (feature, team) group_left ()
        sum by (feature, team) (last_over_time({months}[{OWNER_MEMORY}]))
    or 0 * {owners}
  )
)
or on (feature)
label_replace(
  label_replace(
    {features},
    "owner", "{UNOWNED}", "", ""
  ),
  "team", "{UNKNOWN_VALUE}", "", ""
)"""


def _alerting_rule(alert: Alert, links: Links) -> dict[str, object]:
    rule: dict[str, object] = {"alert": alert.name, "expr": alert.expr}
    if alert.hold != "0s":
        rule["for"] = alert.hold
    if alert.keep_firing:
        rule["keep_firing_for"] = alert.keep_firing
    rule["labels"] = {
        "severity": alert.severity,
        "owner": f'{{{{ or $labels.owner "{UNOWNED}" }}}}',
        "team": f'{{{{ or $labels.team "{UNKNOWN_VALUE}" }}}}',
    }
    rule["annotations"] = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{links.runbooks_url}/{alert.name}.md",
        "dashboard": f"{links.grafana_url}/d/{alert.board.uid}{_narrowed(alert.board.label)}",
    }
    return rule


def _narrowed(label: str) -> str:
    """A template for what a dashboard is opened with."""
    if not label:
        return ""
    return f'?var-{label}={{{{ or $labels.{label} "$__all" | urlquery }}}}'
