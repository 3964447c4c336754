"""`taximeter prices show|search|check|…`: which price applies to a model, when, and who says so."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from taximeter_processor.cli import access, catalogues
from taximeter_processor.cli.table import print_table
from taximeter_processor.ledger.usage import UsedModel
from taximeter_processor.money import usd_to_pico
from taximeter_processor.periods import from_us, parse_moment
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.show import PriceAnswer, describe, history, search
from taximeter_processor.reports.price_check import STALE_AFTER_DAYS, check
from taximeter_processor.settings import load


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `prices` and its subcommands."""
    parser = commands.add_parser("prices", help="which price applies to a model, and why")
    inner = parser.add_subparsers(title="prices commands", metavar="COMMAND", required=True)
    show = inner.add_parser(
        "show",
        help="the rates of one model",
        description="The rates of one model at a moment, with the source of each.",
        epilog="Example: taximeter prices show openai/gpt-5-mini --at 2026-10-01 --tier flex",
    )
    show.add_argument("model", metavar="PROVIDER/MODEL", help="provider as in gen_ai.provider.name")
    show.add_argument("--at", default="now", help="2026-10-01, 7d (ago), … (now)")
    show.add_argument("--tier", default="standard", help="standard, batch, flex, priority, …")
    show.add_argument("--history", action="store_true", help="every period, not one moment")
    show.set_defaults(run=_show)
    find = inner.add_parser("search", help="models whose name contains a text")
    find.add_argument("text")
    find.set_defaults(run=_search)
    for command in (show, find):
        command.add_argument("--config", type=Path, help="taximeter.yaml, for its prices:")
        command.add_argument("--json", action="store_true", help="print JSON")
    checking = inner.add_parser(
        "check",
        help="prices that are stale, unused or missing for models in use",
        description="Whether prices: is good, and fits what was used; 1 when something is found.",
    )
    access.add_common(checking)
    checking.add_argument("--since", default="30d", help="30d, 2026-10-01, … (30d)")
    checking.add_argument("--stale-days", type=int, default=STALE_AFTER_DAYS, metavar="DAYS")
    checking.set_defaults(run=_check)
    settling = inner.add_parser(
        "contracts",
        help="a month under volume discounts and commitments",
        description="What a month costs in the end, by contract and by one dimension.",
    )
    access.add_common(settling)
    settling.add_argument("--month", help="2026-10; default: this one")
    settling.add_argument("--by", default="team", help="dimension to divide by (team)")
    settling.set_defaults(run=_contracts)
    catalogues.register(inner)


def _show(arguments: argparse.Namespace) -> int:
    provider, slash, model = arguments.model.partition("/")
    if not slash or not model:
        raise ValueError(f"{arguments.model!r}: expected PROVIDER/MODEL such as openai/gpt-5-mini")
    settings = load(arguments.config)
    moment = parse_moment(arguments.at, datetime.now(timezone.utc), settings.zone)
    book = PriceBook.of(settings)
    if arguments.history:
        answers = history(book, provider, model, arguments.tier)
    else:
        answers = [describe(book, provider, model, from_us(moment), arguments.tier)]
    if arguments.json:
        values: list[Any] = [_as_json(answer) for answer in answers]
        print(json.dumps(values if arguments.history else values[0], default=str, indent=2))
    else:
        for answer in answers:
            _print(answer)
    return 1 if answers[-1].reason else 0


def _as_json(answer: PriceAnswer) -> dict[str, Any]:
    rates = [
        {**rate._asdict(), "override": rate.override and rate.override._asdict()}
        for rate in answer.rates
    ]
    return {**answer._asdict(), "rates": rates}


def _print(answer: PriceAnswer) -> None:
    since = answer.valid_from.isoformat()[:16] if answer.valid_from else "ever"
    until = answer.valid_until.isoformat()[:16] if answer.valid_until else "further notice"
    name = f"{answer.provider}/{answer.model}, tier {answer.tier}"
    period = f"from {since.removesuffix('T00:00')} until {until.removesuffix('T00:00')}"
    if answer.reason:
        print(f"{name} has no price {period}: {answer.reason}\n")
        return
    print(f"{name}, {period}")
    print(f"{answer.source} ({answer.price_version})\n")
    print_table(
        [
            {
                "meter": rate.meter,
                "above input tokens": rate.above_input_tokens,
                "$": rate.usd_listed,
                "per": rate.per,
                "source": rate.source,
            }
            for rate in answer.rates
            if rate.meter == rate.billed_as
        ]
    )
    print()


def _search(arguments: argparse.Namespace) -> int:
    found = search(PriceBook.of(load(arguments.config)), arguments.text)
    if arguments.json:
        print(json.dumps([label for label, _ in found], indent=2))
    else:
        print_table([{"model": label, "name": name} for label, name in found])
    return 0 if found else 1


def _check(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    book = PriceBook.of(settings)
    try:
        rows = access.read(settings, "models", {"since": arguments.since})["rows"]
    except access.NoLedger as error:
        print(f"usage is not checked: {error}", file=sys.stderr)
        rows = []
    used = [UsedModel(cost_pico=usd_to_pico(row.pop("cost_usd")), **row) for row in rows]
    found = check(book, used, datetime.now(timezone.utc), arguments.stale_days)
    if arguments.json:
        answer = {"price_version": book.version, "findings": [one._asdict() for one in found]}
        print(json.dumps(answer, indent=2))
    elif found:
        print_table([one._asdict() for one in found])
    else:
        print(f"{book.version}: {len(book.sources.overrides)} overrides, nothing found")
    return 1 if found else 0


def _contracts(arguments: argparse.Namespace) -> int:
    asked = {"by": arguments.by, **({"month": arguments.month} if arguments.month else {})}
    answer = access.read(access.settings_of(arguments), "contracts", asked)
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    print_table([*answer["rows"], answer["total"]])
    if answer["unpriced"]:
        print(f"{answer['unpriced']:,} calls have no price and are in no amount")
    print_table(answer["payable_by"], title=f"\npayable by {answer['by']}")
    return 0
