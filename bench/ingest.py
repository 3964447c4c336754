"""CPU per span of the service on either engine, beside what else could take the same bytes.

Beside it: an empty handler, a naive pipeline, and the real Collector that keeps the spans in a
queue on disk (fsync on, as shipped, but without the shipped processors) until a sink has taken
them. Each server is a process of its own and gets the same gzipped 512-span bodies in turn, round
after round; a figure is the median over the rounds of the server's own CPU time until it rests.
PostgreSQL's own processes are in no figure. `--json` prints `service_us_per_span`,
`postgres_us_per_span`, `empty_us_per_span`, `naive_us_per_span`, `collector_us_per_span`,
`ratio_to_naive`, `ratio_to_empty`, `ratio_to_collector` and `ratio_to_collector_postgres` (above 1:
ours needs less). `--processes` adds `spans_per_second_1` and `spans_per_second_2`, of one and of
two processes on one PostgreSQL.
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.load import SPANS_PER_BODY, bodies, cpu_seconds, resident_mb, send
from tests.support.collector import program
from tests.support.servers import Postgres, free_port, taximeter, wait_for

HANDLERS = Path(__file__).with_name("handlers.py")
COLLECTOR = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
extensions: {{file_storage: {{directory: {queue}, create_directory: true, fsync: true}}}}
exporters:
  otlp_http:
    endpoint: http://127.0.0.1:{sink}
    compression: gzip
    sending_queue:
      {{storage: file_storage, sizer: bytes, queue_size: 1073741824, block_on_overflow: true}}
service:
  extensions: [file_storage]
  pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http]}}}}
  telemetry: {{metrics: {{level: none}}}}
"""
RESTING_SECONDS = 0.3


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
        took = time.perf_counter() - started
        self._rest()
        if counted:
            spans = len(prepared) * SPANS_PER_BODY
            used = cpu_seconds(self._process.pid) - before
            self.us_per_span.append(used / spans * 1e6)
            self.spans_per_second.append(spans / took)

    @property
    def resident_mb(self) -> float:
        return resident_mb(self._process.pid)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _rest(self) -> None:
        """Until it does nothing any more: the Collector delivers after it has answered."""
        used = -1.0
        while (now := cpu_seconds(self._process.pid)) > used + RESTING_SECONDS / 50:
            used = now
            time.sleep(RESTING_SECONDS)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise SystemExit(f"{self.name} ended with {self._process.returncode}")
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True


@contextlib.contextmanager
def contenders(directory: Path) -> Iterator[dict[str, Contender]]:
    """The five servers by name, each on a port of its own."""
    with _postgres(directory) as postgres, contextlib.ExitStack() as running:

        def start(name: str, command: Sequence[str], port: int) -> Contender:
            contender = Contender(name, command, port, directory / f"{name}.log")
            running.callback(contender.stop)
            return contender

        sink = start("sink", *_handler("empty", directory))
        yield {
            "empty": start("empty", *_handler("empty", directory)),
            "naive": start("naive", *_handler("naive", directory)),
            "collector": start("collector", *_collector(directory, sink.port)),
            "service": start("service", *_service(str(directory / "ledger.duckdb"))),
            "postgres": start("postgres", *_service(postgres.new_database())),
        }


@contextlib.contextmanager
def _postgres(directory: Path) -> Iterator[Postgres]:
    """A server that keeps what it acknowledged, also when the power fails."""
    home = directory / "postgres"
    home.mkdir()
    directory.chmod(0o755)
    server = Postgres(home, fsync="on")
    server.start()
    yield server
    server.stop()


def _handler(kind: str, directory: Path) -> tuple[Sequence[str], int]:
    port = free_port()
    return [sys.executable, str(HANDLERS), kind, str(port), str(directory)], port


def _service(ledger: str, writer: str = "main") -> tuple[Sequence[str], int]:
    port = free_port()
    settings = [f"TAXIMETER_LEDGER={ledger}", f"TAXIMETER_WRITER={writer}"]
    serve = taximeter("serve", "--listen", f"127.0.0.1:{port}", "--log-level", "warning")
    return ["env", *settings, *serve], port


def _collector(directory: Path, sink: int) -> tuple[Sequence[str], int]:
    port = free_port()
    config = directory / "collector.yaml"
    config.write_text(COLLECTOR.format(queue=directory / "queue", port=port, sink=sink))
    return [str(program()), f"--config={config}"], port


def measure(rounds: int, bodies_per_round: int, senders: int) -> dict[str, float]:
    """The figures of one run."""
    with (
        tempfile.TemporaryDirectory() as directory,
        contenders(Path(directory)) as running,
    ):
        for number in range(rounds + 1):
            prepared = list(bodies(bodies_per_round, seed=time.time_ns()))
            for contender in running.values():
                contender.round(prepared, senders, counted=number > 0)
            if sys.stderr.isatty():
                print(f"\rround {number} of {rounds}", end="", file=sys.stderr)
        cost = {name: statistics.median(c.us_per_span) for name, c in running.items()}
        service = running["service"]
        return {
            **{f"{name}_us_per_span": figure for name, figure in cost.items()},
            "ratio_to_naive": cost["naive"] / cost["service"],
            "ratio_to_empty": cost["service"] / max(cost["empty"], 0.01),
            "ratio_to_collector": cost["collector"] / cost["service"],
            "ratio_to_collector_postgres": cost["collector"] / cost["postgres"],
            "service_spans_per_second": statistics.median(service.spans_per_second),
            "service_resident_mb": service.resident_mb,
            "spans_per_body": SPANS_PER_BODY,
            "senders": senders,
        }


def several(rounds: int, bodies_per_round: int, senders: int) -> dict[str, float]:
    """Spans a second of one process, then of two that share one PostgreSQL and the load."""
    with (
        tempfile.TemporaryDirectory() as directory,
        _postgres(Path(directory)) as postgres,
        contextlib.ExitStack() as running,
    ):
        url = postgres.new_database()
        found = []
        for name in ("one", "two"):
            command, port = _service(url, name)
            found.append(Contender(name, command, port, Path(directory) / f"{name}.log"))
            running.callback(found[-1].stop)
        figures: dict[str, list[float]] = {}
        for number in range(rounds + 1):
            for count in (1, 2):
                prepared = list(bodies(bodies_per_round, seed=time.time_ns()))
                rate = _together(found[:count], prepared, senders)
                if number:
                    figures.setdefault(f"spans_per_second_{count}", []).append(rate)
        return {name: statistics.median(rates) for name, rates in figures.items()}


def _together(running: Sequence[Contender], prepared: Sequence[bytes], senders: int) -> float:
    """Spans a second while each takes its share at the same time."""
    started = time.perf_counter()
    with ThreadPoolExecutor(len(running)) as pool:
        shares = [prepared[place :: len(running)] for place in range(len(running))]
        sent = [
            pool.submit(send, contender.port, share, senders // len(running))
            for contender, share in zip(running, shares, strict=True)
        ]
        for one in sent:
            one.result()
    return len(prepared) * SPANS_PER_BODY / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bodies", type=int, default=80, help="bodies of 512 spans a round")
    parser.add_argument("--senders", type=int, default=8, help="connections at once")
    parser.add_argument("--processes", action="store_true", help="also one and two processes")
    arguments = parser.parse_args()
    how = (arguments.rounds, arguments.bodies, arguments.senders)
    figures = measure(*how)
    if arguments.processes:
        figures |= several(*how)
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}, indent=2))
        return
    print(f"\n{'':26}µs of CPU a span")
    for name in ("empty", "service", "postgres", "collector", "naive"):
        print(f"{name:26}{figures[f'{name}_us_per_span']:8.1f}")
    print(f"{'naive / service':26}{figures['ratio_to_naive']:8.1f}")
    print(f"{'collector / service':26}{figures['ratio_to_collector']:8.1f}")
    for count in (1, 2) if arguments.processes else ():
        print(f"{count} on PostgreSQL, spans/s{figures[f'spans_per_second_{count}']:11,.0f}")


if __name__ == "__main__":
    main()
