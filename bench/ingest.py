"""CPU per span of the service, beside an empty handler and a naive pipeline, in one run.

Each server is a process of its own and gets the same gzipped 512-span bodies in turn, round after
round; a figure is the median over the rounds of the server's own CPU time. `--json` prints the keys
`service_us_per_span`, `empty_us_per_span`, `naive_us_per_span`, `ratio_to_naive`, `ratio_to_empty`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.load import SPANS_PER_BODY, bodies, cpu_seconds, resident_mb, send
from tests.support.servers import free_port, taximeter, wait_for

HANDLERS = Path(__file__).with_name("handlers.py")


class Contender:
    """One server process and what it cost so far."""

    def __init__(self, name: str, command: Sequence[str], port: int, log: Path) -> None:
        self.name = name
        self.port = port
        self.us_per_span: list[float] = []
        self.spans_per_second: list[float] = []
        self._process = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        wait_for(f"start of {name}", self._answers)

    def round(self, prepared: Sequence[bytes], senders: int, counted: bool) -> None:
        """Send every body once and note the CPU it took."""
        before, started = cpu_seconds(self._process.pid), time.perf_counter()
        send(self.port, prepared, senders)
        if counted:
            spans = len(prepared) * SPANS_PER_BODY
            used = cpu_seconds(self._process.pid) - before
            self.us_per_span.append(used / spans * 1e6)
            self.spans_per_second.append(spans / (time.perf_counter() - started))

    @property
    def resident_mb(self) -> float:
        return resident_mb(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise SystemExit(f"{self.name} ended with {self._process.returncode}")
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True


@contextlib.contextmanager
def contenders(directory: Path) -> Iterator[list[Contender]]:
    """The three servers, each on a port of its own."""
    running: list[Contender] = []
    try:
        for name in ("empty", "naive"):
            port = free_port()
            command = [sys.executable, str(HANDLERS), name, str(port), str(directory)]
            running.append(Contender(name, command, port, directory / f"{name}.log"))
        port = free_port()
        command = taximeter(
            "serve", "--listen", f"127.0.0.1:{port}", "--ledger", str(directory / "ledger.duckdb"),
            "--log-level", "warning",
        )  # fmt: skip
        running.append(Contender("service", command, port, directory / "service.log"))
        yield running
    finally:
        for contender in running:
            contender.stop()


def measure(rounds: int, bodies_per_round: int, senders: int) -> dict[str, float]:
    """The figures of one run."""
    with (
        tempfile.TemporaryDirectory() as directory,
        contenders(Path(directory)) as running,
    ):
        for number in range(rounds + 1):
            prepared = list(bodies(bodies_per_round, seed=time.time_ns()))
            for contender in running:
                contender.round(prepared, senders, counted=number > 0)
            if sys.stderr.isatty():
                print(f"\rround {number} of {rounds}", end="", file=sys.stderr)
        cost = {c.name: statistics.median(c.us_per_span) for c in running}
        service = running[-1]
        return {
            "service_us_per_span": cost["service"],
            "empty_us_per_span": cost["empty"],
            "naive_us_per_span": cost["naive"],
            "ratio_to_naive": cost["naive"] / cost["service"],
            "ratio_to_empty": cost["service"] / max(cost["empty"], 0.01),
            "service_spans_per_second": statistics.median(service.spans_per_second),
            "service_resident_mb": service.resident_mb,
            "spans_per_body": SPANS_PER_BODY,
            "senders": senders,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bodies", type=int, default=80, help="bodies of 512 spans a round")
    parser.add_argument("--senders", type=int, default=8, help="connections at once")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds, arguments.bodies, arguments.senders)
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}, indent=2))
        return
    print(f"\n{'':26}µs of CPU a span")
    for name in ("empty", "service", "naive"):
        print(f"{name:26}{figures[f'{name}_us_per_span']:8.1f}")
    print(f"{'naive / service':26}{figures['ratio_to_naive']:8.1f}")


if __name__ == "__main__":
    main()
