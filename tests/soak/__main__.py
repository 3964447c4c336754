"""`python -m tests.soak`: load, harm, and a count of what was lost or came twice."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.soak.scenario import Scenario, Stage
from tests.soak.scenarios import SCENARIOS


def run(name: str, rounds: int, seed: int, done: Callable[[], object]) -> dict[str, Any]:
    """The figures and failures of one scenario; one that breaks off has failed."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"taximeter-{name}-") as directory:
        stage = Stage(Path(directory), rounds, seed, done)
        try:
            SCENARIOS[name].run(stage)
        except (AssertionError, OSError, ValueError):
            stage.failures.append(traceback.format_exc())
    return {
        "scenario": name,
        "rounds": rounds,
        "seconds": round(time.monotonic() - started),
        **stage.figures,
        "failures": stage.failures,
    }


def main() -> int:
    """0 when every scenario held, 1 when one did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(SCENARIOS)}; default: all")
    parser.add_argument("--rounds", type=int, help="instead of each scenario's own number")
    parser.add_argument("--short", action="store_true", help="the rounds `make test` does")
    parser.add_argument("--seed", type=int, default=1, help="of moments, ids and repeats")
    parser.add_argument("--json", action="store_true", help="print one JSON object a scenario")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenario) - SCENARIOS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(SCENARIOS)}")
    results = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        for name in arguments.scenario or SCENARIOS:
            rounds = arguments.rounds or _rounds(SCENARIOS[name], arguments.short)
            task = progress.add_task(name, total=rounds)
            results.append(run(name, rounds, arguments.seed, partial(progress.advance, task)))
            print(json.dumps(results[-1]) if arguments.json else _line(results[-1]), flush=True)
    return 1 if any(result["failures"] for result in results) else 0


def _rounds(scenario: Scenario, is_short: bool) -> int:
    return scenario.short if is_short else scenario.full


def _line(result: dict[str, Any]) -> str:
    shown = {key: value for key, value in result.items() if key not in ("scenario", "failures")}
    figures = ", ".join(f"{key} {value}" for key, value in shown.items())
    verdict = "FAILED" if result["failures"] else "held"
    return "\n  ".join([f"{result['scenario']}: {verdict}: {figures}", *result["failures"]])


if __name__ == "__main__":
    sys.exit(main())
