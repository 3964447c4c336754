"""CPU per span as the embedded ledger grows: the same load on ledgers of several sizes, in turn.

Each size is a year of calls made inside the engine (`big_ledger`), opened by a service of its own
in this process; every round hands each of them the same number of new 512-span bodies, so that a
slow moment of the machine is everybody's. A figure is the median over the rounds. `--json` prints
`us_per_span_ROWS` for each size, `ratio_ROWS` to the smallest ledger, and `flat_within`: how far
the farthest size is from the median of all. 50 million rows need 4 GB and some minutes to make.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.big_ledger import make
from bench.load import SPANS_PER_BODY, bodies
from taximeter_processor.pipeline import Accepted, Body
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings

SIZES: Final = (0, 1_000_000, 10_000_000, 50_000_000)
GROUP_BODIES: Final = 8


def us_per_span(service: Service, groups: Sequence[Sequence[bytes]]) -> float:
    """CPU of decoding, pricing and committing groups of bodies, each in one commit."""
    asked = [
        [Body(data, "application/x-protobuf", "gzip", "127.0.0.1") for data in group]
        for group in groups
    ]
    began = time.process_time()
    for group in asked:
        answers = service.pipeline.process(group)
        if not all(isinstance(answer, Accepted) for answer in answers):
            raise SystemExit(f"not taken: {answers[0]}")
    spans = len(asked) * GROUP_BODIES * SPANS_PER_BODY
    return (time.process_time() - began) / spans * 1e6


def measure(sizes: Sequence[int], rounds: int, groups: int, directory: Path) -> dict[str, float]:
    """The figures of one run."""
    with contextlib.ExitStack() as running:
        services: dict[int, Service] = {}
        for rows in sizes:
            path = directory / f"{rows}.duckdb"
            make(path, rows)
            services[rows] = Service(Settings(ledger=str(path)))
            running.callback(services[rows].store.close)
        taken: dict[int, list[float]] = {rows: [] for rows in sizes}
        for number in range(rounds + 1):
            for rows, service in services.items():
                fresh = list(bodies(groups * GROUP_BODIES, seed=time.time_ns()))
                parts = [fresh[at : at + GROUP_BODIES] for at in range(0, len(fresh), GROUP_BODIES)]
                cost = us_per_span(service, parts)
                if number:
                    taken[rows].append(cost)
            if sys.stderr.isatty():
                print(f"\rround {number} of {rounds}          ", end="", file=sys.stderr)
    cost_of = {rows: statistics.median(costs) for rows, costs in taken.items()}
    middle = statistics.median(cost_of.values())
    return {
        **{f"us_per_span_{rows}": cost for rows, cost in cost_of.items()},
        **{f"ratio_{rows}": cost / cost_of[sizes[0]] for rows, cost in cost_of.items()},
        "flat_within": max(abs(cost / middle - 1) for cost in cost_of.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, action="append", help=f"default: {SIZES}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--groups", type=int, default=4, help=f"of {GROUP_BODIES} bodies, a round")
    parser.add_argument("--directory", type=Path, help="where to make the ledgers (default: /tmp)")
    arguments = parser.parse_args()
    sizes = arguments.rows or SIZES
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        figures = measure(sizes, arguments.rounds, arguments.groups, Path(directory))
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}, indent=2))
        return
    print(f"\n{'rows before':>12}  µs of CPU a span")
    for rows in sizes:
        print(f"{rows:>12,}{figures[f'us_per_span_{rows}']:>12.1f}")
    print(f"flat within {figures['flat_within']:.0%}")


if __name__ == "__main__":
    main()
