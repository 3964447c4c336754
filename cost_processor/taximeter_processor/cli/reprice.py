"""`taximeter reprice`: stored usage at today's prices, after a price was added or corrected."""

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
from taximeter_processor.periods import parse_moment
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.asked import iso
from taximeter_processor.reports.reprice import Question, added_up, reprice_slice
from taximeter_processor.settings import Settings

Ask = Callable[[Question], dict[str, Any]]


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `reprice`."""
    parser = commands.add_parser(
        "reprice",
        help="recompute stored calls at today's prices",
        description="Recompute stored calls at the prices of now, each at its own time. Reports "
        "use the new cost; counters keep the old one, taximeter_restated_usd_total the difference, "
        "and the ledger both, with reason and time. A call never loses the price it has.",
        epilog="Example: taximeter reprice --since 2026-10-01 --model my-llama --dry-run",
    )
    access.add_common(parser)
    parser.add_argument("--since", required=True, help="30d, 2026-10-01, …")
    parser.add_argument("--until", help="as --since; default: now")
    parser.add_argument("--provider", help="only this gen_ai.provider.name")
    parser.add_argument("--model", help="only this model, as booked, answered or asked for")
    parser.add_argument("--dry-run", action="store_true", help="tell, change nothing")
    parser.set_defaults(run=_reprice)


def _reprice(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    now = datetime.now(timezone.utc)
    since, until = (
        iso(parse_moment(text, now, settings.zone))
        for text in (arguments.since, arguments.until or "now")
    )
    if until <= since:
        raise ValueError(f"until {until} is not after since {since}")
    asked = Question(since, until, arguments.provider, arguments.model, arguments.dry_run)
    slices = _through_service(settings, asked) or _in_file(settings, asked)
    changes = added_up(slices)
    examined = sum(one["examined"] for one in slices)
    version = slices[-1]["price_version"]
    if arguments.json:
        answer = {"price_version": version, "dry_run": asked.dry_run, "examined": examined}
        print(json.dumps({**answer, "changes": changes}, indent=2))
        return 0
    if changes:
        print_table(changes)
    difference = sum(usd_to_pico(change["difference_usd"]) for change in changes)
    changed = sum(change["calls"] for change in changes)
    verb = "would change" if asked.dry_run else "changed"
    print(f"{changed:,} of {examined:,} calls {verb}, ${format_usd(difference)} in all ({version})")
    return 0


def _through_service(settings: Settings, asked: Question) -> list[dict[str, Any]]:
    """The slices as the running service made them; none when no service runs."""

    def ask(question: Question) -> dict[str, Any]:
        answer = access.tell_service(settings, "reprice", question._asdict())
        return answer or {}

    first = ask(asked)
    if not first:
        return []
    mine = PriceBook.of(settings).version
    if first["price_version"] != mine:
        print(
            f"taximeter: the service prices with {first['price_version']}, this configuration "
            f"says {mine}: restart the service to reprice with it",
            file=sys.stderr,
        )
    return _rest(ask, asked, first)


def _in_file(settings: Settings, asked: Question) -> list[dict[str, Any]]:
    store = access.open_existing(settings, writes=not asked.dry_run)
    prices = PriceBook.of(settings)

    def ask(question: Question) -> dict[str, Any]:
        return reprice_slice(store, prices, question, time.time_ns() // 1000)

    try:
        return _rest(ask, asked, ask(asked))
    finally:
        store.close()


def _rest(ask: Ask, asked: Question, first: dict[str, Any]) -> list[dict[str, Any]]:
    """All slices after the first, with a bar for a person who waits."""
    slices = [first]
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("repricing", total=first["remaining"])
        progress.advance(task, first["examined"])
        while slices[-1]["next"]:
            slices.append(ask(asked._replace(since=slices[-1]["next"])))
            progress.advance(task, slices[-1]["examined"])
    return slices
