"""`taximeter rules`: what Grafana, Prometheus and Alertmanager are provisioned with."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from pathlib import Path

from taximeter_processor.observability.generate import EXAMPLE, Plan, check, generate, write
from taximeter_processor.observability.receivers import Receiver
from taximeter_processor.observability.routes import MailServer, Routing
from taximeter_processor.observability.rules import Links
from taximeter_processor.settings import Settings, load


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `rules`."""
    parser = commands.add_parser(
        "rules",
        help="generate dashboards, alert rules and Alertmanager routes",
        description=(
            "Write what Grafana, Prometheus and Alertmanager are provisioned with. With --config "
            "the routes lead to its owners; without, to the example owners of the repository."
        ),
        epilog="Example: taximeter rules --config taximeter.yaml --out /etc/taximeter/grafana",
    )
    parser.add_argument("--config", type=Path, help="take owners and addresses from this file")
    parser.add_argument("--out", type=Path, default=Path("grafana"), metavar="DIR")
    parser.add_argument("--check", action="store_true", help="compare only; 1 when files differ")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    plan = EXAMPLE
    if arguments.config:
        plan = plan_of(load(arguments.config), datetime.now(timezone.utc).year)
    files = generate(arguments.out, plan, with_dashboards=_can_draw())
    if not arguments.check:
        write(files)
        print(f"{len(files)} files in {arguments.out}")
        return 0
    problems = check(files)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def plan_of(settings: Settings, year: int) -> Plan:
    """Whom the configured owners are, how they are reached, and when in this year and the next."""
    deadman = settings.deadman
    return Plan(
        Routing(
            owners=settings.owners,
            fallback=Receiver("fallback", settings.fallback_owner),
            deadman=Receiver("deadman", deadman) if deadman else None,
            mail=MailServer(**settings.mail.model_dump()),
            year=year,
        ),
        links=Links(**settings.links.model_dump(exclude_none=True)),
        addresses=settings.addresses,
    )


def _can_draw() -> bool:
    """Dashboards are drawn by a development dependency; they are the same for everybody."""
    try:
        import grafana_foundation_sdk  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True
