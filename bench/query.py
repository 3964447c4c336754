"""What people wait for on a big ledger, beside a raw scan of it: one DuckDB file for each size.

The daily view is a month by each of five tags, the trend of 30 days, and today against yesterday;
each read is timed on its own, within the service's limits of memory and threads. `--json` prints
for each size, e.g. 10000000, `daily_view_ms_…` (the slowest of those reads), `daily_view_all_ms_…`
(all of them), `scan_ms_…` (a sum over every row) and `ratio_…` (scan ÷ slowest read). Ten million
rows take a minute or two to make and 700 MB.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.big_ledger import END, make
from taximeter_processor.ledger import queries
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.periods import to_us

SIZES: Final = (10_000_000, 100_000_000)
MEMORY_MB: Final = 96


def reads(store: LedgerStore) -> Mapping[str, Callable[[], object]]:
    """Each read of the daily view, as it would be asked at the end of the last day."""
    end = to_us(END)
    month = to_us(END - timedelta(days=30))
    days = [to_us(END - timedelta(days=back)) for back in range(30, -1, -1)]
    by_tag = {
        f"month by {name}": lambda name=name: queries.spend(store, [name], month, end)
        for name in ("feature", "tenant", "team", "request_type", "model")
    }
    return {
        **by_tag,
        "trend of 30 days": lambda: queries.spend_by_day(store, ["feature"], days),
        "yesterday": lambda: queries.spend(store, ["feature", "team"], days[-2], end),
    }


def milliseconds(read: Callable[[], object], rounds: int) -> float:
    """The median of several rounds, after one that warms up."""
    found = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        read()
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found[1:])


def measure(path: Path, rows: int, rounds: int) -> dict[str, float]:
    """The figures of one size."""
    make(path, rows)
    store = DuckDBStore(path, memory_mb=MEMORY_MB, read_seconds=600)
    times = {name: milliseconds(read, rounds) for name, read in reads(store).items()}
    scan = milliseconds(
        lambda: store.read("select feature, sum(cost_usd) from calls group by feature"), rounds
    )
    store.close()
    for name, took in {**times, "scan of every row": scan}.items():
        print(f"{rows:>12,} rows  {name:20}{took:>10.1f} ms", file=sys.stderr)
    slowest = max(times.values())
    return {
        f"daily_view_ms_{rows}": slowest,
        f"daily_view_all_ms_{rows}": sum(times.values()),
        f"scan_ms_{rows}": scan,
        f"ratio_{rows}": scan / slowest,
        f"mb_{rows}": path.stat().st_size / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, action="append", help=f"default: {SIZES}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="where to make the ledgers (default: /tmp)")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    for rows in arguments.rows or SIZES:
        with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
            figures |= measure(Path(directory) / "ledger.duckdb", rows, arguments.rounds)
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}, indent=2))


if __name__ == "__main__":
    main()
