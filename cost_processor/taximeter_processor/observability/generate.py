"""Writes every file of the `grafana/` folder, or checks that it holds what would be written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from taximeter_processor.errors import TaximeterError
from taximeter_processor.observability import dashboards, provisioning
from taximeter_processor.observability.kubernetes import prometheus_rule
from taximeter_processor.observability.receivers import Receiver
from taximeter_processor.observability.render import to_json, to_yaml
from taximeter_processor.observability.routes import Routing, alertmanager_config
from taximeter_processor.observability.rules import Links, rule_file
from taximeter_processor.people import Contact, Owner, Rota, WorkingHours
from taximeter_processor.settings import Addresses


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is told, how, and where everything is."""

    routing: Routing
    links: Links = field(default_factory=Links)
    addresses: Addresses = field(default_factory=Addresses)


_SECRETS: Final = "/etc/alertmanager/secrets"
_LOCAL: Final = "http://127.0.0.1:9099"

EXAMPLE: Final = Plan(
    Routing(
        owners=(
            Owner(
                name="alice",
                contact=Contact(
                    slack_channel="#chat-cost",
                    slack_api_url_file=f"{_SECRETS}/slack",
                    pagerduty_routing_key_file=f"{_SECRETS}/pagerduty-alice",
                ),
                escalate_to="bob",
            ),
            Owner(
                name="bob",
                contact=Contact(email="bob@example.com"),
                working_hours=WorkingHours(timezone="Europe/Berlin"),
            ),
            Owner(
                name="search-oncall",
                contact=Contact(webhook_url=f"{_LOCAL}/search-oncall"),
                rota=Rota(persons=("alice", "bob"), since=date(2026, 1, 5)),
            ),
        ),
        fallback=Receiver("fallback", Contact(webhook_url=f"{_LOCAL}/fallback")),
        deadman=Receiver("deadman", Contact(webhook_url=f"{_LOCAL}/deadman")),
        year=2026,
    )
)
"""The plan of the files in the repository."""


def generate(root: Path, plan: Plan = EXAMPLE, *, with_dashboards: bool = True) -> dict[Path, str]:
    """The text of every generated file, by its path below `root` (the `grafana/` folder).

    Building dashboards needs `grafana-foundation-sdk`.
    Raises `ConfigError` when the plan would leave alerts unread.
    """
    rules = rule_file(plan.links)
    files = {
        "rules/taximeter.yml": to_yaml(rules),
        "kubernetes/prometheus-rule.yaml": to_yaml(prometheus_rule(rules)),
        "alertmanager/alertmanager.yml": to_yaml(alertmanager_config(plan.routing)),
        "prometheus/prometheus.yml": to_yaml(provisioning.prometheus_config(plan.addresses)),
        "provisioning/datasources/taximeter.yaml": to_yaml(
            provisioning.grafana_datasources(plan.addresses)
        ),
        "provisioning/datasources/taximeter-ledger.yaml": to_yaml(
            provisioning.grafana_postgres_datasource(plan.addresses)
        ),
        "provisioning/dashboards/taximeter.yaml": to_yaml(
            provisioning.grafana_dashboard_providers()
        ),
    }
    if with_dashboards:
        for uid, board in dashboards.build_all(plan.links.runbooks_url).items():
            files[f"dashboards/{uid}.json"] = to_json(board)
    return {root / path: text for path, text in files.items()}


def write(files: Mapping[Path, str]) -> None:
    """Write every file, and the folders it needs."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check(files: Mapping[Path, str]) -> list[str]:
    """One sentence for each file that is missing or different; empty when all are as generated."""
    return [
        f"{path} {'differs from what is generated' if path.exists() else 'is missing'}"
        for path, text in files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the repository's files or, with `--check`, compare them; 1 when some differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("grafana"), metavar="DIR")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    options = parser.parse_args(arguments)
    try:
        files = generate(options.out)
    except TaximeterError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.check:
        write(files)
        return 0
    problems = check(files)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
