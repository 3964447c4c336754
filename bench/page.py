"""What a person waits for at the daily view on a big ledger: a real service, a real Chromium.

The ledger has ninety days of 500 features and 200 tenants. Each round is a new browser context, so
nothing is cached; a page is painted when Chromium says so (the entry `first-contentful-paint`).
`--json` prints for each view `first_byte_ms_…`, `first_paint_ms_…` and `whole_ms_…` (medians), and
`load` (the machine's load average at the end: other work on it makes every figure larger). Ten
million rows take two minutes to make and 500 MB; `--ledger` keeps the file for another run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser

from bench.big_ledger import END, Shape, make
from tests.support.browser import chromium
from tests.support.servers import Processor

ROWS: Final = 10_000_000
SHAPE: Final = Shape(days=90, features=500, tenants=200)
LAST_DAY: Final = (END - timedelta(days=1)).date()
VIEWS: Final = {
    "daily": f"/?date={LAST_DAY}",
    "ninety_days": f"/?date={LAST_DAY}&days=90",
    "feature": f"/?date={LAST_DAY}&feature=feature-7",
    "requests": f"/requests?date={LAST_DAY}",
}
_TIMES: Final = """async () => {
  const find = () => performance.getEntriesByName("first-contentful-paint")[0]
  while (!find()) await new Promise(requestAnimationFrame)
  const [page] = performance.getEntriesByType("navigation")
  return [page.responseStart, find().startTime, page.loadEventEnd]
}"""
FIGURES: Final = ("first_byte_ms", "first_paint_ms", "whole_ms")


@contextmanager
def served(ledger: Path) -> Iterator[str]:
    """The address of a service on a ledger."""
    with tempfile.TemporaryDirectory() as directory:
        service = Processor(Path(directory), ledger=str(ledger))
        service.start()
        try:
            yield service.url
        finally:
            service.stop()


def visit(browser: Browser, url: str) -> list[float]:
    """The three times of one visit, in ms from the click."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url, timeout=60_000)
    found: list[float] = page.evaluate(_TIMES)
    context.close()
    return found


def measure(ledger: Path, rounds: int) -> dict[str, float]:
    """The figures of one ledger, each the median of some rounds after one that warms up."""
    figures: dict[str, float] = {}
    with served(ledger) as url, chromium() as browser:
        for view, path in VIEWS.items():
            times = [visit(browser, f"{url}{path}") for _ in range(rounds + 1)][1:]
            for name, values in zip(FIGURES, zip(*times, strict=True), strict=True):
                figures[f"{name}_{view}"] = statistics.median(values)
    return {**figures, "load": os.getloadavg()[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ledger", type=Path, help="made there if it is missing, and kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        ledger = arguments.ledger or Path(directory) / "ledger.duckdb"
        if not ledger.exists():
            part = ledger.with_suffix(".part")
            make(part, arguments.rows, SHAPE)
            part.rename(ledger)
        figures = measure(ledger, arguments.rounds)
    if arguments.json:
        print(json.dumps({key: round(value, 1) for key, value in figures.items()}, indent=2))
        return
    print(f"{'view':<14}" + "".join(f"{name:>16}" for name in FIGURES))
    for view in VIEWS:
        print(f"{view:<14}" + "".join(f"{figures[f'{name}_{view}']:>16.0f}" for name in FIGURES))
    print(f"load {figures['load']:.1f}")


if __name__ == "__main__":
    main()
