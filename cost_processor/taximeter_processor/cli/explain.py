"""`taximeter explain`: OTLP JSON in, one line a span out: what it is, what it costs, and why."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from taximeter_processor.errors import BadRequest, TaximeterError
from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.otlp import Decoder
from taximeter_processor.ingest.tags import alias_keys
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.explain import explain, explain_rejected
from taximeter_processor.settings import load
from taximeter_processor.tagging import TagRules


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `explain`."""
    parser = commands.add_parser(
        "explain",
        help="what a span is, what it costs, and why",
        description="Read one OTLP/JSON export and print one JSON line for each span.",
        epilog="Exit code 1 when a span was rejected. The keys are described in docs/explain.md.",
    )
    parser.add_argument("file", metavar="FILE", help="an OTLP/JSON file, or - for standard input")
    parser.add_argument("--config", type=Path, help="taximeter.yaml (default: ./taximeter.yaml)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    data = _read(arguments.file)
    try:
        decoder = Decoder(alias_keys(settings.tags.aliases))
        decoded = decoder.decode(data, "application/json", time.time_ns())
    except BadRequest as error:
        raise TaximeterError(f"{arguments.file}: {error}") from error
    book, rules = PriceBook.of(settings), TagRules(settings.tags)
    readings = CallReader(settings.tags.aliases).read_all(decoded.spans)
    lines = [
        explain(span, found, book, rules)
        for span, found in zip(decoded.spans, readings, strict=True)
    ]
    lines += [explain_rejected(rejected) for rejected in decoded.rejected]
    for line in lines:
        print(json.dumps(line))
    return 1 if any("message" in line for line in lines) else 0


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise TaximeterError(f"{name}: {error.strerror}") from error
