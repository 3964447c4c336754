"""`taximeter prices diff|update`: what other price lists would have cost, and adopting them."""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from taximeter_processor.cli import access
from taximeter_processor.cli.table import print_table
from taximeter_processor.errors import ConfigError, TaximeterError
from taximeter_processor.ledger.usage import usage_from_json
from taximeter_processor.money import format_usd
from taximeter_processor.periods import parse_iso
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.catalogue import Catalogue
from taximeter_processor.reports.price_diff import Difference, ModelName, compare, cuts
from taximeter_processor.settings import Settings

CURRENT: Final = "current"
INSTALLED: Final = "installed"
_CATALOGUES: Final = f"`{CURRENT}` (in use), `{INSTALLED}` (the package's), or a file"
Differences = dict[tuple[str, str, str], Difference]


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `prices diff` and `prices update`."""
    diff = commands.add_parser(
        "diff",
        help="two catalogues in dollars, on your own usage",
        description="What the usage of the last 30 days costs under two catalogues, your own "
        "prices over both.",
        epilog="Example: taximeter prices diff current data.json --since 2026-10-01",
    )
    diff.add_argument("before", nargs="?", default=CURRENT, metavar="BEFORE", help=_CATALOGUES)
    diff.add_argument("after", nargs="?", default=INSTALLED, metavar="AFTER", help="the same")
    diff.set_defaults(run=_diff)
    update = commands.add_parser(
        "update",
        help="adopt another catalogue, after its difference in dollars",
        description="Shows what FILE, or else the installed package, would have cost on your own "
        "usage, asks, and writes it to where `catalogue:` points. Nothing is fetched.",
    )
    update.add_argument("file", nargs="?", default=INSTALLED, metavar="FILE")
    update.add_argument("--yes", action="store_true", help="do not ask")
    update.set_defaults(run=_update)
    for command in (diff, update):
        access.add_common(command)
        command.add_argument("--since", default="30d", help="30d, 2026-10-01, … (30d)")
        command.add_argument("--until", help="as --since; default: now")


def _diff(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    before, after = (
        PriceBook.of(settings, _catalogue(settings, name))
        for name in (arguments.before, arguments.after)
    )
    _print(arguments, before, after, _differences(arguments, settings, before, after))
    return 0


def _update(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    if settings.catalogue is None:
        raise ConfigError(
            "there is no catalogue to update: add `catalogue: prices.json` to taximeter.yaml; "
            "without it the service uses whatever genai-prices is installed"
        )
    in_use = CURRENT if settings.catalogue.exists() else INSTALLED
    before = PriceBook.of(settings, _catalogue(settings, in_use))
    after = PriceBook.of(settings, _catalogue(settings, arguments.file))
    try:
        differences = _differences(arguments, settings, before, after)
    except access.NoLedger as error:
        print(f"no usage to compare on: {error}", file=sys.stderr)
        differences = {}
    _print(arguments, before, after, differences)
    if not arguments.yes and not _agreed(settings.catalogue):
        print("nothing was written", file=sys.stderr)
        return 1
    after.catalogue.write(settings.catalogue)
    print(
        f"wrote {settings.catalogue} ({after.catalogue.version}): it holds from the next start of "
        "`taximeter serve`; earlier calls keep their price unless you `taximeter reprice`",
        file=sys.stderr,
    )
    return 0


def _agreed(path: Path) -> bool:
    if not sys.stdin.isatty():
        raise TaximeterError(f"nobody is here to ask about {path}: say --yes")
    return input(f"Use this catalogue in {path}? [y/N] ").strip().lower() in ("y", "yes")


def _catalogue(settings: Settings, name: str) -> Catalogue | None:
    """The catalogue of a name; None for the one the configuration uses."""
    if name == CURRENT:
        return None
    return Catalogue.installed() if name == INSTALLED else Catalogue.read(Path(name))


def _differences(
    arguments: argparse.Namespace, settings: Settings, before: PriceBook, after: PriceBook
) -> Differences:
    """Two reads: which models were used, then their usage between the moments that matter."""
    stretch = {"since": arguments.since}
    if arguments.until:
        stretch["until"] = arguments.until
    used = access.read(settings, "models", stretch)
    names = {
        ModelName(row["provider"], row["response_model"], row["request_model"], row["tier"])
        for row in used["rows"]
    }
    stretch = {name: used[name] for name in ("since", "until")}
    bounds = [parse_iso(used[name]) for name in ("since", "until")]
    found = cuts((before, after), sorted(names), bounds[0], bounds[1])
    asked = {
        "dates": found.dates_us,
        "times": found.times_us,
        "thresholds": found.thresholds,
    }
    usage = access.read(
        settings,
        "usage",
        {**stretch, **{name: ",".join(map(str, values)) for name, values in asked.items()}},
    )
    return compare(before, after, [usage_from_json(row) for row in usage["rows"]])


def _print(
    arguments: argparse.Namespace, before: PriceBook, after: PriceBook, found: Differences
) -> None:
    changed = {key: value for key, value in found.items() if not value.is_none}
    rows = [_row(key, value) for key, value in changed.items()]
    total = _row(("total", "", ""), _sum(found))
    if arguments.json:
        answer = {"before": before.version, "after": after.version, "rows": rows, "total": total}
        print(json.dumps(answer, indent=2))
        return
    print(f"{before.version} -> {after.version}, {len(found)} models in use\n")
    if rows:
        print_table([*rows, total])
    else:
        print(f"no difference on {total['requests']:,} calls, ${total['before_usd']}")


def _row(key: tuple[str, str, str], found: Difference) -> dict[str, Any]:
    provider, model, tier = key
    difference = found.after_pico - found.before_pico
    percent = Decimal(difference * 100) / found.before_pico if found.before_pico else None
    return {
        "provider": provider,
        "model": model,
        "tier": tier,
        "requests": found.requests,
        "unpriced_before": found.unpriced_before,
        "unpriced_after": found.unpriced_after,
        "before_usd": format_usd(found.before_pico),
        "after_usd": format_usd(found.after_pico),
        "difference_usd": format_usd(difference),
        "percent": None if percent is None else f"{percent:+.2f}",
    }


def _sum(found: Differences) -> Difference:
    total = Difference()
    for one in found.values():
        total.requests += one.requests
        total.unpriced_before += one.unpriced_before
        total.unpriced_after += one.unpriced_after
        total.before_pico += one.before_pico
        total.after_pico += one.after_pico
    return total
