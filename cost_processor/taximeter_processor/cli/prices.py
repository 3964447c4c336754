"""`taximeter prices show|search`: which price applies to a model, when, and who says so."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path

from taximeter_processor.cli.table import print_table
from taximeter_processor.periods import from_us, parse_moment
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.show import PriceAnswer, describe, search
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
    show.set_defaults(run=_show)
    find = inner.add_parser("search", help="models whose name contains a text")
    find.add_argument("text")
    find.set_defaults(run=_search)
    for command in (show, find):
        command.add_argument("--config", type=Path, help="taximeter.yaml, for its prices:")
        command.add_argument("--json", action="store_true", help="print JSON")


def _show(arguments: argparse.Namespace) -> int:
    provider, slash, model = arguments.model.partition("/")
    if not slash or not model:
        raise ValueError(f"{arguments.model!r}: expected PROVIDER/MODEL such as openai/gpt-5-mini")
    settings = load(arguments.config)
    moment = parse_moment(arguments.at, datetime.now(timezone.utc), settings.zone)
    book = PriceBook.of(settings)
    answer = describe(book, provider, model, from_us(moment), arguments.tier)
    if arguments.json:
        print(json.dumps(answer._asdict(), default=str, indent=2))
    else:
        _print(answer)
    return 1 if answer.reason else 0


def _print(answer: PriceAnswer) -> None:
    if answer.reason:
        print(f"{answer.provider}/{answer.model} ({answer.tier}) has no price: {answer.reason}")
        return
    since = answer.valid_from.date().isoformat() if answer.valid_from else "ever"
    until = answer.valid_until.date().isoformat() if answer.valid_until else "further notice"
    print(f"{answer.provider}/{answer.model}, tier {answer.tier}, from {since} until {until}")
    print(f"{answer.source} ({answer.price_version})\n")
    print_table(
        [
            {
                "meter": rate.meter,
                "above input tokens": rate.above_input_tokens,
                f"$ per {rate.per:,}": rate.usd_listed,
                "source": rate.source,
            }
            for rate in answer.rates
            if rate.meter == rate.billed_as
        ]
    )


def _search(arguments: argparse.Namespace) -> int:
    found = search(PriceBook.of(load(arguments.config)), arguments.text)
    if arguments.json:
        print(json.dumps([label for label, _ in found], indent=2))
    else:
        print_table([{"model": label, "name": name} for label, name in found])
    return 0 if found else 1
