"""`taximeter costs`, `requests`, `owners`, …: what the ledger says, as a table, JSON or CSV."""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from typing import Any, Final

from taximeter_processor.buckets import INTERVALS
from taximeter_processor.cli import access
from taximeter_processor.cli.checklist import print_status
from taximeter_processor.cli.table import print_table
from taximeter_processor.ledger.drill import REQUEST_COLUMNS
from taximeter_processor.ledger.filters import FILTERS
from taximeter_processor.names import UNOWNED
from taximeter_processor.reports.requests import MOST_A_PAGE, ORDERS
from taximeter_processor.reports.spreadsheet import to_csv

_SHOWN_OF_A_CALL: Final = (
    "start_time",
    "feature",
    "tenant",
    "model",
    "status",
    "cost_usd",
    "trace_id",
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the reading commands."""
    costs = commands.add_parser(
        "costs",
        help="what calls cost, by any dimensions",
        description="What calls cost, grouped by up to four dimensions, dearest first; "
        "with an interval in every hour, day, week or month, oldest first.",
        epilog="Example: taximeter costs --by feature,team --since 7d --where environment=prod",
    )
    access.add_common(costs)
    costs.add_argument("--by", default="feature", help="dimensions, comma separated (feature)")
    costs.add_argument("--interval", choices=INTERVALS, help="rows for each of these (total)")
    _add_slice(costs)
    costs.set_defaults(run=_costs)

    requests = commands.add_parser(
        "requests",
        help="the calls behind a sum, newest or dearest first",
        description="Calls one by one, newest or dearest first; what has no price shows no cost.",
        epilog="Example: taximeter requests --order dearest --since today --where feature=search",
    )
    access.add_common(requests)
    requests.add_argument("--order", choices=ORDERS, default=ORDERS[0], help="what comes first")
    requests.add_argument(
        "--limit", type=int, default=20, help=f"how many at most, up to {MOST_A_PAGE} (20)"
    )
    _add_slice(requests)
    requests.set_defaults(run=_requests)

    owners = commands.add_parser(
        "owners",
        help="who answers for which cost, and what nobody answers for",
        description="Each owner's spend and features; first what nobody owns, dearest first.",
        epilog="Exit code 1 when something is spent that nobody owns.",
    )
    access.add_common(owners)
    owners.add_argument("--since", default="30d", help="30d, 2026-11-01, … (30d)")
    owners.set_defaults(run=_owners)

    letters = commands.add_parser("dead-letters", help="what was refused for good, and why")
    access.add_common(letters)
    letters.add_argument("--limit", type=int, default=50)
    letters.set_defaults(run=_dead_letters)

    status = commands.add_parser(
        "status", help="how far you are: each layer, its numbers, the next step"
    )
    access.add_common(status)
    status.set_defaults(run=_status)


def _add_slice(parser: argparse.ArgumentParser) -> None:
    """Options that say which calls are meant, and how rows are printed."""
    parser.add_argument(
        "--since", "--from", default="7d", help="7d, 12h, today, 2026-11-01, an instant (7d)"
    )
    parser.add_argument(
        "--until", "--to", help="as --since, and not itself in the range; default: now"
    )
    parser.add_argument("--timezone", help="IANA zone of days and dates (the configured one)")
    parser.add_argument("--where", action="append", default=[], metavar="DIMENSION=VALUE")
    parser.add_argument("--csv", action="store_true", help="print CSV")


def _slice(arguments: argparse.Namespace) -> dict[str, str]:
    """What those options ask of a read."""
    parameters = {"since": arguments.since}
    for name in ("until", "timezone"):
        if value := getattr(arguments, name):
            parameters[name] = value
    for condition in arguments.where:
        name, equals, value = condition.partition("=")
        if not equals:
            raise ValueError(f"--where {condition!r}: expected DIMENSION=VALUE")
        if name not in FILTERS:
            raise ValueError(f"--where {condition!r}: expected one of {', '.join(FILTERS)}")
        parameters[name] = value
    return parameters


def _costs(arguments: argparse.Namespace) -> int:
    parameters = {"by": arguments.by, **_slice(arguments)}
    if arguments.interval:
        parameters["interval"] = arguments.interval
    answer = access.read(access.settings_of(arguments), "costs", parameters)
    if arguments.csv:
        sys.stdout.write(to_csv(answer["rows"], [*answer["by"], *answer["total"]]))
    else:
        _show(arguments, answer, [*answer["rows"], {**_blank(answer["by"]), **answer["total"]}])
    return 0


def _requests(arguments: argparse.Namespace) -> int:
    parameters = {"order": arguments.order, "limit": str(arguments.limit), **_slice(arguments)}
    answer = access.read(access.settings_of(arguments), "requests", parameters)
    if arguments.csv:
        sys.stdout.write(to_csv(answer["rows"], REQUEST_COLUMNS))
    else:
        _show(arguments, answer, [_in_brief(call) for call in answer["rows"]])
    return 0


def _in_brief(call: dict[str, Any]) -> dict[str, Any]:
    """What of a call fits a line: its time to the second, and no cost where that is not known."""
    shown = {name: call[name] for name in _SHOWN_OF_A_CALL}
    shown["start_time"] = f"{call['start_time'][:19]}Z"
    return {**shown, "cost_usd": None} if call["status"] == "unpriced" else shown


def _owners(arguments: argparse.Namespace) -> int:
    answer = access.read(access.settings_of(arguments), "owners", {"since": arguments.since})
    unowned = [row for row in answer["rows"] if row["owner"] == UNOWNED]
    if arguments.json:
        print(json.dumps({**answer, "unowned": unowned}, indent=2))
    else:
        print_table(answer["owners"])
        if unowned:
            print_table([{**row, "owner": "nobody"} for row in unowned], "What nobody owns")
    return 1 if any(Decimal(row["cost_usd"]) for row in unowned) else 0


def _dead_letters(arguments: argparse.Namespace) -> int:
    answer = access.read(
        access.settings_of(arguments), "dead-letters", {"limit": str(arguments.limit)}
    )
    _show(arguments, answer, answer["rows"])
    return 0


def _status(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    service = access.ask_service(settings, "status", {})
    answer = access.read(settings, "adoption", {})
    if arguments.json:
        print(json.dumps({"service": service, **answer}, indent=2))
    else:
        print_status(service, answer, settings.listen)
    return 0 if service is not None and service["ready"] else 1


def _show(
    arguments: argparse.Namespace, answer: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    if arguments.json:
        print(json.dumps(answer, indent=2))
    else:
        print_table(rows)


def _blank(names: list[str]) -> dict[str, str]:
    return {name: "total" if name == names[0] else "" for name in names}
