"""`taximeter ledger prune`: old calls leave the ledger, what they added up to stays."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from rich.console import Console
from rich.progress import Progress

from taximeter_processor.cli import access
from taximeter_processor.cli.table import print_table
from taximeter_processor.money import format_usd, usd_to_pico
from taximeter_processor.reports.prune import Question, before_of_age, prune
from taximeter_processor.settings import LEAST_KEPT_DAYS, Settings

Ask = Callable[[Question], dict[str, Any]]


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to those of `ledger`."""
    parser = commands.add_parser(
        "prune",
        help="take old calls out of the ledger",
        description="Take calls that began before a date out of the ledger, with everything known "
        "of them. Counters do not fall: what the calls added up to is kept. Spans from before "
        f"that date are refused from then on. At least {LEAST_KEPT_DAYS} days are kept. Without "
        "--before and --keep, `retention` of the configuration says how many.",
        epilog="Example: taximeter ledger prune --keep 400d --dry-run",
    )
    access.add_common(parser)
    cut = parser.add_mutually_exclusive_group()
    cut.add_argument("--before", metavar="DATE", help="such as 2026-01-01; its midnight, UTC")
    cut.add_argument("--keep", metavar="AGE", help="days that are kept, such as 400d")
    parser.add_argument("--dry-run", action="store_true", help="tell, change nothing")
    parser.set_defaults(run=_prune)


def _prune(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    before = _before(arguments, settings)
    ask, close = _asking(settings, Question(before, dry_run=True))
    try:
        answer = ask(Question(before, dry_run=True))
        if not arguments.dry_run:
            answer = _all_slices(ask, Question(before), answer["removed"]["calls"])
    finally:
        close()
    answer = {"before": before, "dry_run": arguments.dry_run, **answer}
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    print_table([{"table": table, "rows": rows} for table, rows in answer["removed"].items()])
    verb = "would go" if arguments.dry_run else "went"
    print(f"{answer['removed']['calls']:,} calls, ${answer['cost_usd']}, {verb}")
    if not arguments.dry_run:
        print(f"the ledger begins at {answer['horizon']}")
    return 0


def _before(arguments: argparse.Namespace, settings: Settings) -> str:
    if arguments.before:
        return str(arguments.before)
    age = arguments.keep or settings.retention.calls
    if not age:
        raise ValueError(
            "what is to go? Expected --before DATE or --keep 400d, or `retention: {calls: 400d}` "
            "in the configuration"
        )
    return before_of_age(age, datetime.now(timezone.utc))


def _asking(settings: Settings, first: Question) -> tuple[Ask, Callable[[], None]]:
    """Who carries a question out, the running service or this process, and how that ends."""
    if access.tell_service(settings, "ledger/prune", first._asdict()) is not None:

        def ask(question: Question) -> dict[str, Any]:
            return access.tell_service(settings, "ledger/prune", question._asdict()) or {}

        return ask, lambda: None
    store = access.open_existing(settings, writes=True)
    return lambda question: prune(store, question, time.time_ns() // 1000), store.close


def _all_slices(ask: Ask, asked: Question, calls: int) -> dict[str, Any]:
    """What all slices removed together, with a bar for a person who waits."""
    removed: dict[str, int] = {}
    pico = 0
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("pruning", total=calls)
        while True:
            found = ask(asked)
            for table, rows in found["removed"].items():
                removed[table] = removed.get(table, 0) + rows
            pico += usd_to_pico(found["cost_usd"])
            progress.advance(task, found["removed"]["calls"])
            if found["done"]:
                return {**found, "removed": removed, "cost_usd": format_usd(pico)}
