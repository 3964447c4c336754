"""CPU per priced call of this service, `genai-prices`, litellm and tokencost, in one run.

Every contender prices the same calls, finding the price by provider and model each time, round
after round; a figure is the median over the rounds. litellm and tokencost run in an environment of
their own in `.build/price`, made from hashed requirements. `--json` prints the keys
`ours_us`, `genai_prices_us`, `litellm_us`, `tokencost_us`, `ratio_to_genai_prices` and the like.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from genai_prices import Usage, calc_price

from bench.price_peer import CALLS, PricedCall, seconds
from taximeter_processor.model import Unpriced
from taximeter_processor.money import format_usd
from taximeter_processor.pricing.book import PriceBook

HERE: Final = Path(__file__).parent
ENVIRONMENT: Final = HERE.parent / ".build" / "price"
AT: Final = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
AT_US: Final = int(AT.timestamp()) * 1_000_000
PEERS: Final = ("litellm", "tokencost")
_PROVIDERS: Final = {"google": "gcp.gemini"}
Timer = Callable[[int], float]


def our_timer(book: PriceBook) -> Timer:
    """The service's hot path: price lookup and exact cost of a text call."""
    meters = [_meters(call) for call in CALLS]

    def timer(calls: int) -> float:
        asked = list(islice(cycle(meters), calls))
        price = book.text_cost
        started = time.process_time()
        for arguments in asked:
            price(*arguments)
        return time.process_time() - started

    return timer


def library_timer() -> Timer:
    return lambda calls: seconds(library_price, calls)


def library_price(call: PricedCall) -> Decimal:
    usage = Usage(
        input_tokens=call.input_tokens,
        cache_read_tokens=call.cached_tokens,
        output_tokens=call.output_tokens,
    )
    return calc_price(
        usage, call.model, provider_id=call.provider, genai_request_timestamp=AT
    ).total_price


def _meters(call: PricedCall) -> tuple[Any, ...]:
    provider = _PROVIDERS.get(call.provider, call.provider)
    uncached = call.input_tokens - call.cached_tokens
    return (
        provider, call.model, call.model, "standard", AT_US,
        uncached, call.cached_tokens, 0, call.output_tokens,
    )  # fmt: skip


def our_usd(book: PriceBook) -> str:
    costs = [book.text_cost(*_meters(call)) for call in CALLS]
    return format_usd(sum(sum(cost[1:]) for cost in costs if cost is not None))


@contextmanager
def peer(name: str) -> Iterator[Callable[[str], str]]:
    """A function that asks a running peer one question."""
    running = subprocess.Popen(
        [ENVIRONMENT / "bin" / "python", HERE / "price_peer.py", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdin
    assert running.stdout
    stdin, stdout = running.stdin, running.stdout

    def ask(question: str) -> str:
        print(question, file=stdin, flush=True)
        return stdout.readline().strip()

    try:
        yield ask
    finally:
        stdin.close()
        running.wait(30)


def table_bytes(book: PriceBook) -> tuple[int, int]:
    """(bytes, prices) of every model of the catalogue, compiled for the standard tier."""
    names = [label.partition("/") for label, _ in book.catalogue.labels()]
    tracemalloc.start()
    kept = [book.price_for(provider, model, "", "standard", AT_US) for provider, _, model in names]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size, sum(not isinstance(price, Unpriced) for price in kept)


def measure(rounds: int, calls: int) -> dict[str, Any]:
    """The figures of one run."""
    book = PriceBook.load()
    with peer("litellm") as litellm, peer("tokencost") as tokencost:
        timers: dict[str, tuple[Timer, int]] = {
            "ours": (our_timer(book), calls * 50),
            "genai_prices": (library_timer(), calls),
            "litellm": (lambda n: float(litellm(str(n))), calls),
            "tokencost": (lambda n: float(tokencost(str(n))), calls * 5),
        }
        us: dict[str, list[float]] = {name: [] for name in timers}
        for number in range(rounds + 1):
            for name, (timer, count) in timers.items():
                spent = timer(count) / count * 1e6
                if number:
                    us[name].append(spent)
        usd = {
            "ours": our_usd(book),
            "genai_prices": str(sum((library_price(call) for call in CALLS), Decimal(0))),
            "litellm": litellm("usd"),
            "tokencost": tokencost("usd"),
        }
    median = {name: statistics.median(values) for name, values in us.items()}
    size, prices = table_bytes(book)
    return {
        **{f"{name}_us": round(value, 3) for name, value in median.items()},
        **{
            f"ratio_to_{name}": round(median["ours"] / value, 5)
            for name, value in median.items()
            if name != "ours"
        },
        "usd": usd,
        "table_prices": prices,
        "table_kib": round(size / 1024),
        "table_bytes_per_price": round(size / prices),
    }


def install() -> None:
    """Make the peers' environment, unless it is there with these very requirements."""
    locked, done = HERE / "price.txt", ENVIRONMENT / "installed.txt"
    if done.exists() and done.read_text() == locked.read_text():
        return
    run = [sys.executable, "-m"]
    subprocess.run([*run, "pip", "install", "--quiet", "uv"], check=True)
    subprocess.run([*run, "uv", "venv", "--quiet", "--clear", ENVIRONMENT], check=True)
    subprocess.run(
        [
            *run, "uv", "pip", "sync", "--quiet", "--require-hashes",
            "--python", ENVIRONMENT / "bin" / "python", locked,
        ],
        check=True,
    )  # fmt: skip
    done.write_text(locked.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=1000, help="calls a round")
    arguments = parser.parse_args()
    install()
    figures = measure(arguments.rounds, arguments.calls)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    print(f"{'':14}µs of CPU a call   $ of the calls")
    for name in ("ours", "genai_prices", *PEERS):
        print(f"{name:14}{figures[f'{name}_us']:16.2f}   {figures['usd'][name]}")
    print(f"ours / genai-prices: 1/{1 / figures['ratio_to_genai_prices']:.0f}")
    print(f"{figures['table_prices']:,} compiled prices in {figures['table_kib']:,} KiB")


if __name__ == "__main__":
    main()
