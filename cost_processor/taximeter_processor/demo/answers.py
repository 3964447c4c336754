"""Turns an OpenAI request body into an answer with realistic usage and an id of its own."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

CHARACTERS_PER_TOKEN: Final = 4
# https://platform.openai.com/docs/guides/prompt-caching: whole steps of 128 tokens from 1,024 on.
CACHE_STEP_TOKENS: Final = 128
CACHE_LEAST_TOKENS: Final = 1024
REASONING_STEP_TOKENS: Final = 64
MOST_PREFIXES: Final = 100_000

_DATED: Final = {
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-5-nano": "gpt-5-nano-2025-08-07",
}
_SENTENCE: Final = "This answer was replayed on your own machine and nobody charged for it. "

Operation = Literal["chat", "embeddings"]


class Answer(NamedTuple):
    """One answer and what it used; input is with cache, output with reasoning."""

    response_id: str
    operation: Operation
    request_model: str
    model: str
    """As the provider names it in its answer: with a date."""
    created: int
    """Seconds since the epoch."""
    text: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int


class Answerer:
    """Answers like a model would count; the same seed and requests give the same usage."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._prefixes: set[tuple[str, int]] = set()

    def generate(self, body: dict[str, Any], id_prefix: str) -> Answer:
        """Answer a chat completion (`chatcmpl-`) or a response (`resp_`)."""
        model, prompt = str(body.get("model", "")), prompt_of(body)
        visible = self._random.randint(20, 220)
        reasoning = self._random.randint(1, 12) if model.startswith("gpt-5") else 0
        limit = _limit(body)
        if limit is not None:
            visible = min(visible, limit)
            reasoning = min(reasoning, (limit - visible) // REASONING_STEP_TOKENS)
        reasoning_tokens = reasoning * REASONING_STEP_TOKENS
        repeats = visible * CHARACTERS_PER_TOKEN // len(_SENTENCE) + 1
        return Answer(
            response_id=f"{id_prefix}{uuid.uuid4().hex}",
            operation="chat",
            request_model=model,
            model=_DATED.get(model, model),
            created=int(time.time()),
            text=(_SENTENCE * repeats)[: visible * CHARACTERS_PER_TOKEN],
            input_tokens=tokens_in(prompt),
            cached_tokens=self._cached(model, prompt),
            output_tokens=visible + reasoning_tokens,
            reasoning_tokens=reasoning_tokens,
        )

    def embed(self, body: dict[str, Any]) -> Answer:
        """Answer an embeddings request; OpenAI gives these no id, ours only counts them."""
        model = str(body.get("model", ""))
        return Answer(
            response_id=f"embd-{uuid.uuid4().hex}",
            operation="embeddings",
            request_model=model,
            model=model,
            created=int(time.time()),
            text="",
            input_tokens=sum(tokens_in(text) for text in _texts(body.get("input"))),
            cached_tokens=0,
            output_tokens=0,
            reasoning_tokens=0,
        )

    def _cached(self, model: str, prompt: str) -> int:
        """Tokens of the longest prefix seen before, in whole steps; remembers this prompt."""
        step = CACHE_STEP_TOKENS * CHARACTERS_PER_TOKEN
        keys = [(model, hash(prompt[: (index + 1) * step])) for index in range(len(prompt) // step)]
        known = next((i for i, key in enumerate(keys) if key not in self._prefixes), len(keys))
        if len(self._prefixes) < MOST_PREFIXES:
            self._prefixes.update(keys)
        cached = known * CACHE_STEP_TOKENS
        return cached if cached >= CACHE_LEAST_TOKENS else 0


def prompt_of(body: dict[str, Any]) -> str:
    """Everything the model would read, as one text."""
    read = (body.get("instructions"), body.get("messages"), body.get("input"))
    return "\n".join(text for part in read for text in _texts(part))


def tokens_in(text: str) -> int:
    """About four characters a token, and never nothing."""
    return max(1, -(-len(text) // CHARACTERS_PER_TOKEN))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(value.get("content", value.get("text")))


def _limit(body: dict[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        if isinstance(body.get(name), int):
            return int(body[name])
    return None
