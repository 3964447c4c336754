"""`taximeter import`: calls that were made without a span, from files into the ledger."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from opentelemetry.sdk.resources import SERVICE_NAME
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from taximeter_processor.cli import access
from taximeter_processor.delivery import post_all
from taximeter_processor.errors import TaximeterError
from taximeter_processor.importers import SOURCES
from taximeter_processor.importers.intake import Intake, Options, Tally
from taximeter_processor.importers.lines import Line, lines_of
from taximeter_processor.importers.tags import checked, read_csv
from taximeter_processor.money import format_usd
from taximeter_processor.names import TAG_NAMES
from taximeter_processor.periods import parse_moment
from taximeter_processor.settings import Settings

_TRACES_PATH: Final = "/v1/traces"
_ABSOLUTE: Final = re.compile(r"\d{4}-")
_LONG_AGO: Final = "1971-01-01"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `import`."""
    sources = "; ".join(f"{name}: {source.describes}" for name, source in SOURCES.items())
    parser = commands.add_parser(
        "import",
        help="calls made without a span: batch results",
        description="Read files, plain or gzipped, and send their calls to the service. Importing "
        "a file again adds nothing.",
        epilog=f"Sources: {sources}. Exit code 1 when a line was malformed.",
    )
    parser.add_argument("source", choices=SOURCES)
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    access.add_common(parser)
    for name in TAG_NAMES:
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar="VALUE", help="a tag of every call"
        )
    parser.add_argument("--tags", type=Path, metavar="CSV", help="tags by custom_id")
    parser.add_argument("--at", metavar="TIME", help="when calls were made that do not say so")
    parser.add_argument("--url", help="the service to send to (default: the configured one)")
    parser.add_argument("--dry-run", action="store_true", help="read and price, but send nothing")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = access.settings_of(arguments)
    intake = Intake(SOURCES[arguments.source].read, settings, _options(arguments, settings))
    # First of all, so that a misspelt name is told before anything is sent.
    sizes = [(path, _size(path)) for path in arguments.files]
    with _progress() as progress:
        bodies = intake.bodies(_lines(sizes, progress))
        added = None
        if arguments.dry_run:
            for _ in bodies:
                pass
        else:
            added = _send(arguments.url, settings, intake, bodies)
    _show(arguments, intake.tally, added)
    return 1 if intake.tally.malformed else 0


def _options(arguments: argparse.Namespace, settings: Settings) -> Options:
    given = {name: getattr(arguments, name) for name in TAG_NAMES}
    return Options(
        checked(given, "--"),
        read_csv(arguments.tags) if arguments.tags else {},
        _moment(arguments.at, settings) if arguments.at else None,
    )


def _moment(text: str, settings: Settings) -> int:
    """Seconds since 1970 or an absolute time, as µs: `7d` would be another time tomorrow."""
    if text.isdecimal() and len(text) <= 11:
        return int(text) * 1_000_000
    if not _ABSOLUTE.match(text):
        raise ValueError(
            f"--at {text!r}: expected 2026-11-01, 2026-11-01T12:00:00Z or seconds since 1970"
        )
    return parse_moment(text, datetime.now(timezone.utc), settings.zone)


def _lines(sizes: Sequence[tuple[Path, int]], progress: Progress) -> Iterator[Line]:
    """Every line of every file."""
    task = progress.add_task("importing", total=sum(size for _, size in sizes))
    done = 0
    for path, size in sizes:
        for line in lines_of(path):
            progress.update(task, completed=done + line.position)
            yield line
        done += size


def _size(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return file.seek(0, 2)
    except OSError as error:
        raise TaximeterError(f"{path}: {error.strerror}") from error


def _send(
    url: str | None, settings: Settings, intake: Intake, bodies: Iterator[tuple[bytes, int]]
) -> int | None:
    """Send every body; how many calls were new, if it is the configured service that tells."""
    service = str(intake.resource.attributes[SERVICE_NAME])
    before = None if url else _kept(settings, service)
    target = (url or access.service_url(settings)).removesuffix(_TRACES_PATH).rstrip("/")
    headers = access.authorization(settings, "ingest")
    verify = True if url else access.trust(settings)
    post_all(f"{target}{_TRACES_PATH}", bodies, lambda _: None, headers, verify)
    after = None if before is None else _kept(settings, service)
    return None if before is None or after is None else after - before


def _kept(settings: Settings, service: str) -> int | None:
    """Calls of a service in the ledger; None if the token for sending may not read."""
    asked = {"by": "service_name", "service_name": service, "since": _LONG_AGO}
    try:
        answer = access.ask_service(settings, "costs", asked)
    except TaximeterError:
        return None
    if answer is None:
        raise TaximeterError(
            f"no service on {settings.listen}: start one with `taximeter serve`, or name its --url"
        )
    return int(answer["total"]["requests"])


def _progress() -> Progress:
    """A bar on standard error; nothing where it could not be redrawn."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(40), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _show(arguments: argparse.Namespace, tally: Tally, added: int | None) -> None:
    for problem in tally.problems:
        print(problem, file=sys.stderr)
    if tally.malformed > len(tally.problems):
        print(f"… and {tally.malformed - len(tally.problems):,} more", file=sys.stderr)
    if arguments.json:
        answer = {
            "source": arguments.source,
            "dry_run": arguments.dry_run,
            "lines": tally.lines,
            "calls": tally.calls,
            "imported": added,
            "duplicates": None if added is None else _duplicates(tally, added),
            "repeated_lines": tally.repeated,
            "unanswered": dict(tally.unanswered),
            "malformed": tally.malformed,
            "unpriced": tally.unpriced,
            "cost_usd": format_usd(tally.cost_pico),
        }
        print(json.dumps(answer, indent=2))
        return
    for sentence in _sentences(tally, added, arguments.dry_run):
        print(sentence)


def _duplicates(tally: Tally, added: int) -> int:
    """Calls that were in the ledger before; another import at the same time may blur it."""
    return max(0, tally.calls - added)


def _sentences(tally: Tally, added: int | None, is_dry_run: bool) -> Iterator[str]:
    yield f"{tally.lines:,} lines: {tally.calls:,} calls, ${format_usd(tally.cost_pico)}"
    if tally.unpriced:
        yield f"{tally.unpriced:,} of them have no price"
    if tally.unanswered:
        told = ", ".join(
            f"{reason} {times:,}" for reason, times in sorted(tally.unanswered.items())
        )
        yield f"not answered, so not billed: {told}"
    if tally.repeated:
        yield f"{tally.repeated:,} lines repeat an earlier one"
    if tally.malformed:
        yield f"{tally.malformed:,} lines are malformed"
    if is_dry_run:
        yield "nothing was sent"
    elif added is None:
        yield "all are in the ledger"
    else:
        yield f"{added:,} are new in the ledger, {_duplicates(tally, added):,} were there already"
