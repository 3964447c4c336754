"""`taximeter explain`: a file of spans or a stored trace in, an account of each call out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from taximeter_processor.cli import access
from taximeter_processor.cli.account import print_calls, print_trace
from taximeter_processor.errors import BadRequest, TaximeterError
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.explain import explain
from taximeter_processor.reports.stored import (
    TraceAccount,
    asked_for,
    explain_trace,
    is_trace_id,
    not_found,
)
from taximeter_processor.settings import Settings, load


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `explain`."""
    parser = commands.add_parser(
        "explain",
        help="what a call is, what it costs, and why",
        description="Explain each span of an OTLP/JSON export, as JSON lines, or each stored call "
        "of a trace, as text: what was used, at which rate, who says so, and what was ignored.",
        epilog="Exit code 1 when a span was rejected or the ledger has no such call. "
        "The keys are described in docs/explain.md.",
    )
    parser.add_argument(
        "what", metavar="FILE|TRACE_ID", help="an OTLP/JSON file, - for standard input, or a trace"
    )
    parser.add_argument("--span", default="", metavar="SPAN_ID", help="only this span of the trace")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON lines (the default for a file)")
    form.add_argument("--human", action="store_true", help="text (the default for a trace)")
    parser.add_argument("--config", type=Path, help="taximeter.yaml (default: ./taximeter.yaml)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    if is_trace_id(arguments.what):
        return _trace(arguments, settings)
    if arguments.span:
        raise ValueError("--span goes with a trace id: expected 32 hex digits before it")
    return _file(arguments, settings)


def _file(arguments: argparse.Namespace, settings: Settings) -> int:
    data = _read(arguments.what)
    try:
        accounts = explain(data, settings, PriceBook.of(settings), time.time_ns())
    except BadRequest as error:
        raise TaximeterError(f"{arguments.what}: {error}") from error
    if arguments.human:
        print_calls(accounts)
    else:
        for account in accounts:
            print(json.dumps(account))
    return 1 if any("message" in account for account in accounts) else 0


def _trace(arguments: argparse.Namespace, settings: Settings) -> int:
    trace_id, span_id = asked_for(arguments.what, arguments.span)
    found = _stored(settings, trace_id, span_id)
    if found is None:
        print(f"taximeter: {not_found(trace_id, span_id)}", file=sys.stderr)
        return 1
    if not arguments.json:
        print_trace(found)
        return 0
    for account in (*found["calls"], *found["not_counted"]):
        print(json.dumps(account))
    if found["truncated"]:
        print(
            f"taximeter: {len(found['calls'])} of {found['total_calls']} calls are told, and at "
            f"most {found['limit']} of what belongs to them: name one with --span",
            file=sys.stderr,
        )
    return 0


def _stored(settings: Settings, trace_id: str, span_id: str) -> TraceAccount | None:
    """From whoever owns the ledger now; None when it knows nothing of the trace."""
    parameters = {"span_id": span_id} if span_id else {}
    try:
        answer = access.ask_service(settings, f"explain/{trace_id}", parameters)
    except access.NotFound:
        return None
    if answer is not None:
        told: TraceAccount = answer  # type: ignore[assignment]  # as the service typed it
        return told
    store = access.open_existing(settings)
    try:
        return explain_trace(store, PriceBook.of(settings), settings.zone, trace_id, span_id)
    finally:
        store.close()


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise TaximeterError(f"{name}: {error.strerror}") from error
