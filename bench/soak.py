"""Memory of the service under a steady load: resident megabytes, minute by minute.

`--json` prints the keys `minutes`, `resident_mb` (a list), `growth_mb` (last against the second
minute) and `spans`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.load import SPANS_PER_BODY, bodies, resident_mb, send
from tests.support.servers import free_port, get, taximeter, wait_for


def soak(minutes: int, bodies_per_second: int) -> dict[str, object]:
    """Load a fresh service, scraping it every quarter minute, and note its memory each minute."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = taximeter(
            "serve", "--listen", f"127.0.0.1:{port}", "--ledger", f"{directory}/ledger.duckdb",
            "--log-level", "warning",
        )  # fmt: skip
        process = subprocess.Popen(command)
        try:
            wait_for("start", lambda: get(f"http://127.0.0.1:{port}/readyz"))
            resident: list[float] = []
            sent = 0
            for minute in range(minutes):
                sent += _one_minute(port, bodies_per_second)
                resident.append(round(resident_mb(process.pid), 1))
                print(f"minute {minute + 1}: {resident[-1]} MB", file=sys.stderr)
        finally:
            process.terminate()
            process.wait(60)
    return {
        "minutes": minutes,
        "resident_mb": resident,
        "growth_mb": round(resident[-1] - resident[min(1, minutes - 1)], 1),
        "spans": sent * SPANS_PER_BODY,
    }


def _one_minute(port: int, bodies_per_second: int) -> int:
    end = time.monotonic() + 60
    sent = 0
    while time.monotonic() < end:
        started = time.monotonic()
        send(port, list(bodies(bodies_per_second, seed=time.time_ns())), senders=4)
        sent += bodies_per_second
        if sent % (15 * bodies_per_second) == 0:
            get(f"http://127.0.0.1:{port}/metrics", timeout=60)
        time.sleep(max(0.0, 1 - (time.monotonic() - started)))
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--bodies", type=int, default=4, help="bodies of 512 spans a second")
    arguments = parser.parse_args()
    figures = soak(arguments.minutes, arguments.bodies)
    print(json.dumps(figures) if arguments.json else f"{figures}")


if __name__ == "__main__":
    main()
