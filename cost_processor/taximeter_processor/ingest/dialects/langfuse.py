"""Langfuse's SDK: `langfuse.observation.type`, usage as a JSON map of disjoint buckets."""

from __future__ import annotations

from typing import Any, Final

from taximeter_processor.ingest.dialects.base import (
    REQUEST_MODEL,
    RESPONSE_MODEL,
    Reading,
    cache_written,
    count,
    first_count,
    first_text,
    inner,
    numbers_in,
    provider_of,
    reported_cost_of,
    text_of,
    usage_of,
)
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "langfuse.observation.type"
_USAGE: Final = "langfuse.observation.usage_details"
_COST: Final = "langfuse.observation.cost_details"
KEYS: Final = frozenset({MARK, _USAGE, _COST})

_OPERATIONS: Final = {"generation": "chat", "embedding": "embeddings"}
_CACHE_READ: Final = (
    "input_cached_tokens",
    "cache_read_input_tokens",
    "input_cache_read",
    "input_cached_content_token_count",
    "cached_content_token_count",
)
_CACHE_WRITE: Final = (
    "input_cache_creation",
    "cache_creation_input_tokens",
    "input_cache_write",
    "cache_write_tokens",
)
_CACHE_WRITE_BY_TTL: Final = ("input_cache_creation_5m", "input_cache_creation_1h")
_REASONING: Final = (
    "output_reasoning_tokens",
    "output_reasoning",
    "reasoning_tokens",
    "thoughts_token_count",
)
_SPECIAL: Final = frozenset({*_CACHE_READ, *_CACHE_WRITE, *_CACHE_WRITE_BY_TTL, *_REASONING})


def read(span: Span) -> Reading | NotACall:
    """Only generations and embeddings are billable; buckets are summed into inclusive counts."""
    attributes = span.attributes
    operation = _OPERATIONS.get(text_of(attributes[MARK]).lower())
    if operation is None:
        return NotACall("aggregate")
    details = numbers_in(attributes.get(_USAGE))
    cost = reported_cost_of(attributes)
    if cost is None:
        cost = numbers_in(attributes.get(_COST)).get("total")
    return Reading(
        dialect="langfuse",
        operation=operation,
        provider=provider_of(attributes),
        request_model=first_text(attributes, REQUEST_MODEL),
        response_model=first_text(attributes, RESPONSE_MODEL),
        usage=_usage(details) if details else usage_of(attributes),
        reported_cost=cost,
    )


def _usage(details: dict[str, Any]) -> Usage:
    """Langfuse's buckets do not overlap; a provider's own usage object, passed on, does."""
    if "prompt_tokens" in details or "input_tokens_details" in details:
        return _openai_usage(details)
    if "prompt_token_count" in details:
        return _gemini_usage(details)
    read = _first(details, _CACHE_READ)
    by_ttl = [count(details.get(key), _USAGE) for key in _CACHE_WRITE_BY_TTL]
    written = cache_written(_first(details, _CACHE_WRITE), *by_ttl)
    reasoning = _first(details, _REASONING)
    inputs, outputs = _plain(details, "input"), _plain(details, "output")
    told = count(details.get("total"), _USAGE)
    # A total without the special buckets says that they are inside the plain ones.
    if told is None or told != (inputs or 0) + (outputs or 0):
        inputs, outputs = _sum(inputs, read, written), _sum(outputs, reasoning)
    return Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=by_ttl[1],
        reasoning_tokens=reasoning,
        input_audio_tokens=_first(details, ("input_audio_tokens", "input_audio")),
        output_audio_tokens=_first(details, ("output_audio_tokens", "output_audio")),
    )


def _openai_usage(details: dict[str, Any]) -> Usage:
    def told(kinds: tuple[str, str], suffix: str, *path: str) -> int | None:
        return first_count(
            *(inner(details, (f"{kind}_{suffix}", *path)) for kind in kinds), name=_USAGE
        )

    inputs, outputs = ("prompt", "input"), ("completion", "output")
    return Usage(
        input_tokens=told(inputs, "tokens"),
        output_tokens=told(outputs, "tokens"),
        cache_read_tokens=told(inputs, "tokens_details", "cached_tokens"),
        reasoning_tokens=told(outputs, "tokens_details", "reasoning_tokens"),
        input_audio_tokens=told(inputs, "tokens_details", "audio_tokens"),
        output_audio_tokens=told(outputs, "tokens_details", "audio_tokens"),
    )


def _gemini_usage(details: dict[str, Any]) -> Usage:
    """Gemini counts the cache in its prompt, and thoughts beside its candidates."""
    prompt, candidates, cached, thoughts = (
        count(details.get(f"{name}_token_count"), _USAGE)
        for name in ("prompt", "candidates", "cached_content", "thoughts")
    )
    return Usage(prompt, _sum(candidates, thoughts), cached, reasoning_tokens=thoughts)


def _plain(details: dict[str, Any], side: str) -> int | None:
    """The sum of a side's buckets but the special ones, however they are named."""
    return _sum(
        *(
            count(value, _USAGE)
            for key, value in details.items()
            if key.startswith(side) and key not in _SPECIAL and not isinstance(value, dict)
        )
    )


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _first(details: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    return first_count(*(details.get(key) for key in keys), name=_USAGE)
