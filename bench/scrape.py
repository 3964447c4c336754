"""CPU of one scrape of the cost counters beside `prometheus_client`, the same series in one run.

Both hold the same label sets and render them as OpenMetrics, round after round, as a Prometheus
would ask. `--json` prints for each size, e.g. 10000, the keys `ours_ms_10000`, `library_ms_10000`,
`ratio_10000` (library ÷ ours) and the scrape's `mb_10000`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics
from prometheus_client.openmetrics.exposition import generate_latest

from taximeter_processor import names
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.metrics.text import TextFamily
from tests.support.records import NOON_US, call

SIZES = (10_000, 100_000)
LATER_US = NOON_US + 3_600_000_000
SUMS_A_CALL = 8
"""Three meters' costs and quantities, what the cache saved, and the calls."""


def _feature(number: int) -> str:
    """A few features in many label sets, as it is in life."""
    return f"feature-{number % 40}"


def our_scrape(label_sets: int) -> Callable[[], bytes]:
    """The service's counters, each label set with one call in it."""
    counters = CostCounters(label_sets, birth_hold_seconds=0)
    counters.apply([call(n, feature=_feature(n), model=f"model-{n}") for n in range(label_sets)])

    def scrape() -> bytes:
        families = counters.collect(LATER_US)
        texts = [f.openmetrics() for f in families if isinstance(f, TextFamily)][:5]
        return "".join(texts).encode()

    return scrape


def library_scrape(label_sets: int) -> Callable[[], bytes]:
    """The same series as children of the library's counters."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    cost, usage, requests, saved = (
        Counter(metric.name, metric.help, metric.labels, registry=registry)
        for metric in (names.COST, names.USAGE, names.REQUESTS, names.SAVED)
    )
    for n in range(label_sets):
        labels = (_feature(n), "growth", "interactive", "openai", f"model-{n}", "prod")
        for meter, usd, tokens in (
            ("input", 0.00004, 160), ("cache_read", 0.0000288, 1152), ("output", 0.000168, 84),
        ):  # fmt: skip
            cost.labels(*labels, meter).inc(usd)
            usage.labels(*labels, meter).inc(tokens)
        requests.labels(*labels, "priced").inc()
        saved.labels(*labels, "prompt_cache").inc(0.0002592)
    return lambda: generate_latest(registry)  # type: ignore[no-untyped-call]


def milliseconds(scrape: Callable[[], bytes]) -> float:
    started = time.process_time()
    scrape()
    return (time.process_time() - started) * 1000


def measure(rounds: int) -> dict[str, float]:
    """The figures of one run."""
    found: dict[str, float] = {}
    for size in SIZES:
        label_sets = size // SUMS_A_CALL
        ours, library = our_scrape(label_sets), library_scrape(label_sets)
        # One family more, with two lines of header, and no line at the end.
        assert len(ours().splitlines()) == len(library().splitlines()) + 1
        pairs = [(milliseconds(ours), milliseconds(library)) for _ in range(rounds)]
        found[f"ours_ms_{size}"] = statistics.median(pair[0] for pair in pairs)
        found[f"library_ms_{size}"] = statistics.median(pair[1] for pair in pairs)
        found[f"ratio_{size}"] = statistics.median(pair[1] / pair[0] for pair in pairs)
        found[f"mb_{size}"] = len(ours()) / 1e6
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    figures = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}, indent=2))
        return
    print(f"{'series':>8}{'ours ms':>10}{'library ms':>12}{'ratio':>8}{'MB':>7}")
    for size in SIZES:
        values = (figures[f"{key}_{size}"] for key in ("ours_ms", "library_ms", "ratio", "mb"))
        print(f"{size:>8}" + "{:>10.1f}{:>12.1f}{:>8.1f}{:>7.1f}".format(*values))


if __name__ == "__main__":
    main()
