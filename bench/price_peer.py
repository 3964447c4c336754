"""Prices the benchmark's calls with one other library, in rounds asked for on standard input.

Runs in an environment of its own: `python price_peer.py litellm|tokencost`. Each line is a number
of calls; the answer is the CPU seconds they took. `usd` answers what the calls cost in dollars.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import cycle, islice
from typing import Final, NamedTuple


class PricedCall(NamedTuple):
    """A call as every contender is asked about it."""

    provider: str
    model: str
    input_tokens: int
    cached_tokens: int
    """A part of the input."""
    output_tokens: int


CALLS: Final = (
    PricedCall("openai", "gpt-5-mini", 1312, 1152, 84),
    PricedCall("openai", "gpt-4o", 900, 0, 310),
    PricedCall("openai", "gpt-5", 48_210, 40_960, 1_204),
    PricedCall("google", "gemini-2.5-flash", 5_120, 0, 640),
)
"""Models that every contender knows."""

Price = Callable[[PricedCall], Decimal]


def seconds(price: Callable[[PricedCall], object], calls: int) -> float:
    """CPU time of pricing that many calls."""
    asked = list(islice(cycle(CALLS), calls))
    started = time.process_time()
    for call in asked:
        price(call)
    return time.process_time() - started


def litellm_price() -> Price:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    from litellm import cost_per_token

    names = {"openai": "openai", "google": "gemini"}

    def price(call: PricedCall) -> Decimal:
        prompt, completion = cost_per_token(
            model=call.model,
            custom_llm_provider=names[call.provider],
            prompt_tokens=call.input_tokens,
            completion_tokens=call.output_tokens,
            cache_read_input_tokens=call.cached_tokens,
        )
        return Decimal(prompt + completion)

    return price


def tokencost_price() -> Price:
    from tokencost import calculate_cost_by_tokens as cost

    def price(call: PricedCall) -> Decimal:
        total = cost(call.input_tokens - call.cached_tokens, call.model, "input")
        if call.cached_tokens:
            total += cost(call.cached_tokens, call.model, "cached")
        return Decimal(total + cost(call.output_tokens, call.model, "output"))

    return price


def main() -> None:
    logging.disable(logging.CRITICAL)
    price = {"litellm": litellm_price, "tokencost": tokencost_price}[sys.argv[1]]()
    for line in sys.stdin:
        if line.strip() == "usd":
            answer = str(sum((price(call) for call in CALLS), Decimal(0)))
        else:
            answer = repr(seconds(price, int(line)))
        print(answer, flush=True)


if __name__ == "__main__":
    main()
