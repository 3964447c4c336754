"""`taximeter digest`: each owner's yesterday, sent or only shown."""

from __future__ import annotations

import argparse
import json

from taximeter_processor.cli import access
from taximeter_processor.cli.table import print_table
from taximeter_processor.digests import deliver


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `digest`."""
    parser = commands.add_parser(
        "digest",
        help="send each owner yesterday's cost against its normal",
        description=(
            "Send the daily digest to every owner who did not get it yet, by e-mail or to their "
            "chat. The service does the same when `digest.at` is set."
        ),
        epilog="Exit codes: 1 when one could not be sent. Cron: 0 8 * * * taximeter digest",
    )
    access.add_common(parser)
    parser.add_argument("--owner", help="this owner's only, or `unowned`")
    parser.add_argument("--dry-run", action="store_true", help="show the messages, send nothing")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    parameters = {"owner": arguments.owner} if arguments.owner else {}
    rows = access.read(settings, "digest", parameters)["rows"]
    if arguments.dry_run:
        if arguments.json:
            print(json.dumps(rows, indent=2))
            return 0
        for row in rows:
            quiet = "" if row["worth_reading"] else "   (nothing worth reading)"
            print(f"{row['subject']}{quiet}\n\n{row['text']}")
        return 0
    outcomes = deliver(settings, rows)
    if arguments.json:
        print(json.dumps([outcome._asdict() for outcome in outcomes], indent=2))
    else:
        print_table([outcome._asdict() for outcome in outcomes])
    return 1 if any(outcome.what == "failed" for outcome in outcomes) else 0
