"""`taximeter ledger forget`: a tenant's name leaves the ledger, the money stays."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from taximeter_processor.cli import access
from taximeter_processor.cli.table import print_table
from taximeter_processor.ledger.erase import FORGOTTEN
from taximeter_processor.reports.forget import Question, forget
from taximeter_processor.settings import Settings

BEYOND_REACH = (
    "Not reached: Prometheus' history of the tenant gauges, files made before (backups, exports, "
    "imports, reports), traces kept elsewhere, the configuration. The ledger's file holds the name "
    "in freed space until that is written over; a backup made now does not."
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to those of `ledger`."""
    parser = commands.add_parser(
        "forget",
        help="take a tenant's name out of the ledger",
        description=f"Replace a tenant's name by '{FORGOTTEN}' in every row of the ledger. Calls "
        "and money stay, all sums agree, and it cannot be undone. Calls that come later are booked "
        f"under the name again. {BEYOND_REACH}",
        epilog="Example: taximeter ledger forget --tenant acme --dry-run",
    )
    access.add_common(parser)
    parser.add_argument(
        "--tenant",
        required=True,
        metavar="NAME",
        help="as the calls have it, or as it was before `hash_tenants` made a hash of it",
    )
    parser.add_argument("--dry-run", action="store_true", help="tell, change nothing")
    parser.set_defaults(run=_forget)


def _forget(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    rows = _all_slices(settings, Question(arguments.tenant, dry_run=arguments.dry_run))
    if arguments.json:
        print(json.dumps({"dry_run": arguments.dry_run, "rows": rows}, indent=2))
        return 0
    print_table([{"table": table, "rows": count} for table, count in rows.items()])
    verb = "have" if arguments.dry_run else "had"
    print(f"{rows['calls']:,} calls {verb} the name; their money stays")
    if not arguments.dry_run:
        print(BEYOND_REACH)
    return 0


def _all_slices(settings: Settings, asked: Question) -> dict[str, int]:
    """Rows of each table, by the running service or in this process."""
    first = access.tell_service(settings, "ledger/forget", asked._asdict())
    if first is not None:

        def ask(question: Question) -> dict[str, Any]:
            return access.tell_service(settings, "ledger/forget", question._asdict()) or {}

        return _rest(ask, asked, first)
    store = access.open_existing(settings, writes=not asked.dry_run)

    def ask_store(question: Question) -> dict[str, Any]:
        return forget(store, question, time.time_ns() // 1000, settings.tags.hash_tenants)

    try:
        return _rest(ask_store, asked, ask_store(asked))
    finally:
        store.close()


def _rest(
    ask: Callable[[Question], dict[str, Any]], asked: Question, first: dict[str, Any]
) -> dict[str, int]:
    answer, rows = first, dict(first["rows"])
    while answer["next"]:
        answer = ask(asked._replace(since=answer["next"]))
        for table, count in answer["rows"].items():
            rows[table] += count
    return rows
