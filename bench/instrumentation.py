"""CPU that instrumentation adds to a call of the openai SDK: ours beside others', in one run.

Every contender is a process in an environment of its own (`scripts/install-peers` makes them) with
the newest versions that install, and calls the same provider on this machine: JSON answers of about
550 bytes, and streams of 200 chunks, each an HTTP chunk of its own, with the usage after them. The
contenders take turns, round after round; a figure is the median over the rounds of what a contender
used more than `none` did in the same round, export into nothing included. `floor` parses the answer
once and writes one span of 20 attributes. Content is off where there is a switch for it. A peer is
compared with if its spans have all usage (input, output, cached, reasoning) as numbers.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.peers.figures import (
    BASELINE,
    FLOOR,
    OURS,
    PEERS,
    Result,
    Round,
    added,
    summary,
)
from bench.peers.provider import CHUNKS
from tests.support.peers import python_of

HERE: Final = Path(__file__).parent / "peers"
ALWAYS: Final = (BASELINE, FLOOR, OURS)
T = TypeVar("T")


class Plan(NamedTuple):
    """How much is measured."""

    names: Sequence[str]
    rounds: int
    calls: int
    streams: int
    memory_calls: int
    transport: str


class Worker:
    """A process that obeys orders, one line in and one line out."""

    def __init__(self, command: Sequence[str], core: int) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, {core})
        self.greeting = self._answer()

    def order(self, what: str, count: int) -> Any:
        """What the worker answers to one order."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {count}\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args!r} ended with {self._process.wait()}")
        return json.loads(line)


@contextlib.contextmanager
def workers(plan: Plan) -> Iterator[dict[str, Worker]]:
    """The contenders on one core, their provider on another where there is one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    with contextlib.ExitStack() as running:
        provider = Worker([sys.executable, str(HERE / "provider.py")], cores[0])
        running.callback(provider.stop)
        base_url = f"http://127.0.0.1:{provider.greeting}/v1"
        started = {}
        for name in plan.names:
            python = python_of(name if name in PEERS else OURS)
            command = [str(python), str(HERE / "contender.py"), name, base_url, plan.transport]
            started[name] = Worker(command, cores[-1])
            running.callback(started[name].stop)
        yield started


def measure(plan: Plan) -> tuple[list[Round], dict[str, Result]]:
    """What every contender used in each round, and what that comes to."""
    with Progress(console=Console(stderr=True), transient=True) as progress, workers(plan) as found:
        bar = progress.add_task("", total=(plan.rounds + 3) * len(found))

        def each(what: str, act: Callable[[Worker], T], first: int = 0) -> dict[str, T]:
            """Every contender in turn, another one first in each round."""
            names = [*plan.names[first:], *plan.names[:first]]
            answers = {}
            for name in names:
                progress.update(bar, description=f"{what}, {name}", advance=1)
                answers[name] = act(found[name])
            return answers

        records = each("usage", lambda worker: worker.order("usage", 1))
        each("warm-up", lambda worker: _round(worker, plan))
        rounds: list[Round] = [
            each(f"round {n}", lambda worker: _round(worker, plan), n % len(found))
            for n in range(plan.rounds)
        ]
        memory = each("memory", lambda worker: worker.order("memory", plan.memory_calls))
        results = {
            name: Result(
                json_us=added(rounds, name, "json_us"),
                stream_us=added(rounds, name, "stream_us"),
                first_chunk_us=added(rounds, name, "first_chunk_us"),
                records=records[name],
                growth_mib=memory[name]["growth_mib"],
                version=worker.greeting["version"],
            )
            for name, worker in found.items()
        }
    return rounds, results


def _round(worker: Worker, plan: Plan) -> dict[str, float]:
    whole, streamed = worker.order("json", plan.calls), worker.order("stream", plan.streams)
    return {
        "json_us": whole["us"],
        "stream_us": streamed["us"],
        "first_chunk_us": streamed["first_chunk_us"],
    }


def show(plan: Plan, rounds: Sequence[Round], results: dict[str, Result]) -> None:
    """The figures for people."""
    table = Table(box=SIMPLE, title=f"Added to a call: median of {plan.rounds} rounds [quartiles]")
    table.add_column()
    for heading in ("µs a JSON answer", "µs a chunk", "µs to first", "MiB"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("all usage of")
    for name, result in results.items():
        if name != BASELINE:
            table.add_row(*_cells(name, result))
    # Narrower, the figures would be cut.
    console = Console(width=max(100, Console().width))
    console.print(table)
    for answer, whole in (("json", "A JSON answer"), ("stream", "A stream")):
        alone = statistics.median(each[BASELINE][f"{answer}_us"] for each in rounds)
        console.print(f"{whole} costs {alone:,.0f} µs of CPU without instrumentation.")
    for answer, figures in summary(results).items():
        if isinstance(figures, dict) and figures["ratio_to_best_peer"] is not None:
            ratio, best = figures["ratio_to_best_peer"], figures["best_peer"]
            console.print(f"{answer}: taximeter adds {ratio:.2f} of what {best} adds.")


def _cells(name: str, result: Result) -> list[str]:
    recorded = [answer for answer, is_recorded in result.records.items() if is_recorded]
    return [
        f"{name} {result.version or ''}",
        "{1:,.0f} [{0:,.0f}..{2:,.0f}]".format(*result.json_us),
        "{1:,.1f} [{0:,.1f}..{2:,.1f}]".format(*(us / CHUNKS for us in result.stream_us)),
        f"{result.first_chunk_us.median:+,.0f}",
        f"{result.growth_mib:+.1f}",
        ", ".join(recorded),
    ]


def rounded(value: Any) -> Any:
    """The same JSON with its floats readable."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def planned(arguments: Sequence[str] | None = None) -> tuple[Plan, bool]:
    """The plan that the command line asks for, and whether to print JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=40, help="3 are enough to see that it runs")
    parser.add_argument("--calls", type=int, default=25, help="JSON answers a round")
    parser.add_argument("--streams", type=int, default=3, help="streams a round")
    parser.add_argument(
        "--memory-calls", type=int, default=1000,
        help="answers over which memory may grow; a tenth as many streams are broken off",
    )  # fmt: skip
    parser.add_argument(
        "--peers", nargs="*", choices=PEERS, default=PEERS, help="compare with these"
    )
    parser.add_argument(
        "--transport", choices=("socket", "memory"), default="socket",
        help="memory: answers come from inside the process, below the SDK's client; less noise, "
        "and less that a call costs anyway",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    names = [*ALWAYS, *chosen.peers]
    plan = Plan(
        names, chosen.rounds, chosen.calls, chosen.streams, chosen.memory_calls, chosen.transport
    )
    return plan, chosen.json


def main() -> None:
    plan, as_json = planned()
    rounds, results = measure(plan)
    if not as_json:
        show(plan, rounds, results)
        return
    figures = summary(results)
    figures["contenders"] = {
        name: result.as_json() for name, result in results.items() if name != BASELINE
    }
    figures |= {"rounds": plan.rounds, "transport": plan.transport}
    print(json.dumps(rounded(figures), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
