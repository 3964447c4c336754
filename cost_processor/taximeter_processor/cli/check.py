"""`taximeter check`: is this `taximeter.yaml` good, and what is wrong on which line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from taximeter_processor.credentials import exposed
from taximeter_processor.settings import DEFAULT_PATH, Settings, load


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `check`."""
    parser = commands.add_parser(
        "check",
        help="validate taximeter.yaml",
        description="Validate the configuration; errors name file, line, key, value, expected.",
    )
    parser.add_argument("file", nargs="?", type=Path, help="default: ./taximeter.yaml")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema for editors")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.schema:
        print(json.dumps(Settings.model_json_schema(), indent=2))
        return 0
    path = arguments.file or Path(os.environ.get("TAXIMETER_CONFIG", DEFAULT_PATH))
    settings = load(path)
    print(
        f"{path}: good ({len(settings.owners)} owners, {len(settings.budgets)} budgets, "
        f"{len(settings.prices)} prices, {len(settings.tokens)} tokens)"
    )
    held = [("secrets", path)] if settings.holds_secrets else []
    for sentence in exposed([*held, *settings.secret_files()]):
        print(f"taximeter: warning: {sentence}", file=sys.stderr)
    return 0
