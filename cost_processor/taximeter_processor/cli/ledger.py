"""`taximeter ledger …`: how big the ledger is, whether its sums agree, and its upkeep."""

from __future__ import annotations

import argparse
import json
from typing import Any

from taximeter_processor.cli import access, ledger_backup, ledger_forget, ledger_prune, sharing
from taximeter_processor.cli.table import print_table
from taximeter_processor.reports.verify import verify_at_rest
from taximeter_processor.settings import Settings


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `ledger` and its subcommands."""
    parser = commands.add_parser("ledger", help="look after the ledger")
    inner = parser.add_subparsers(title="ledger commands", metavar="COMMAND", required=True)
    stats = inner.add_parser("stats", help="rows, bytes, cost by writer and status")
    verifying = inner.add_parser(
        "verify",
        help="prove that ledger, meters and counters agree",
        description="Prove that ledger, meters and counters agree; exit code 1 if they do not.",
    )
    for command, run in ((stats, _stats), (verifying, _verify)):
        access.add_common(command)
        command.set_defaults(run=run)
    for more in (ledger_prune, ledger_backup, ledger_forget, sharing):
        more.register(inner)


def _stats(arguments: argparse.Namespace) -> int:
    answer = access.read(access.settings_of(arguments), "ledger/stats", {})
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    by_writer = answer.pop("by_writer")
    print_table([answer])
    print_table(by_writer, title="\nby writer and status")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    answer = access.ask_service(settings, "ledger/verify", {}) or _verify_file(settings)
    if arguments.json:
        print(json.dumps(answer, indent=2))
    else:
        print_table(answer["checks"])
        print(f"{answer['rows']:,} calls, ${answer['cost_usd']}")
        if answer["pruned"]["rows"]:
            print(f"{answer['pruned']['rows']:,} pruned, ${answer['pruned']['cost_usd']}")
    return 0 if answer["ok"] else 1


def _verify_file(settings: Settings) -> dict[str, Any]:
    store = access.open_existing(settings)
    try:
        return verify_at_rest(store, settings)
    finally:
        store.close()
