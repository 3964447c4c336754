"""Langfuse's SDK: `langfuse.observation.type`, usage as a JSON map of disjoint buckets."""

from __future__ import annotations

from typing import Any, Final

from taximeter_processor.ingest.dialects.base import (
    Reading,
    count,
    first_text,
    inner,
    numbers_in,
    usage_of,
)
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "langfuse.observation.type"
_USAGE: Final = "langfuse.observation.usage_details"
_COST: Final = "langfuse.observation.cost_details"
_MODEL: Final = ("langfuse.observation.model.name", "gen_ai.request.model", "llm.model_name")
KEYS: Final = frozenset({MARK, _USAGE, _COST, *_MODEL})

_OPERATIONS: Final = {"generation": "chat", "embedding": "embeddings"}
_CACHE_READ: Final = ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read")
_CACHE_WRITE: Final = ("input_cache_creation", "cache_creation_input_tokens", "input_cache_write")
_CACHE_WRITE_BY_TTL: Final = ("input_cache_creation_5m", "input_cache_creation_1h")
_REASONING: Final = ("output_reasoning_tokens", "output_reasoning")
_SPECIAL: Final = frozenset({*_CACHE_READ, *_CACHE_WRITE, *_CACHE_WRITE_BY_TTL, *_REASONING})
_INPUTS: Final = ("prompt", "input")
_OUTPUTS: Final = ("completion", "output")


def read(span: Span) -> Reading | NotACall:
    """Only generations and embeddings are billable; buckets are summed into inclusive counts."""
    attributes = span.attributes
    operation = _OPERATIONS.get(str(attributes[MARK]))
    if operation is None:
        return NotACall("aggregate")
    details = numbers_in(attributes.get(_USAGE))
    return Reading(
        dialect="langfuse",
        operation=operation,
        provider=first_text(attributes, ("gen_ai.provider.name", "gen_ai.system")),
        request_model=first_text(attributes, _MODEL),
        response_model=first_text(attributes, ("gen_ai.response.model",)),
        usage=_usage(details) if details else usage_of(attributes),
        reported_cost=numbers_in(attributes.get(_COST)).get("total"),
    )


def _usage(details: dict[str, Any]) -> Usage:
    """Langfuse's buckets do not overlap; OpenAI's own usage object, passed on, does."""
    if "prompt_tokens" in details or "input_tokens_details" in details:
        return _openai_usage(details)
    read, written = _first(details, _CACHE_READ), _first(details, _CACHE_WRITE)
    by_ttl = [count(details.get(key), _USAGE) for key in _CACHE_WRITE_BY_TTL]
    if written is None and any(part is not None for part in by_ttl):
        written = sum(part or 0 for part in by_ttl)
    reasoning = _first(details, _REASONING)
    return Usage(
        input_tokens=_total(details, "input", read, written),
        output_tokens=_total(details, "output", reasoning),
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=by_ttl[1],
        reasoning_tokens=reasoning,
        input_audio_tokens=_first(details, ("input_audio_tokens", "input_audio")),
        output_audio_tokens=_first(details, ("output_audio_tokens", "output_audio")),
    )


def _openai_usage(details: dict[str, Any]) -> Usage:
    cached = [inner(details, (f"{kind}_tokens_details", "cached_tokens")) for kind in _INPUTS]
    thought = [inner(details, (f"{kind}_tokens_details", "reasoning_tokens")) for kind in _OUTPUTS]
    return Usage(
        input_tokens=_first(details, tuple(f"{kind}_tokens" for kind in _INPUTS)),
        output_tokens=_first(details, tuple(f"{kind}_tokens" for kind in _OUTPUTS)),
        cache_read_tokens=next(
            (count(value, _USAGE) for value in cached if value is not None), None
        ),
        reasoning_tokens=next(
            (count(value, _USAGE) for value in thought if value is not None), None
        ),
    )


def _total(details: dict[str, Any], side: str, *special: int | None) -> int | None:
    """The sum of a side's buckets: the plain ones, and the special ones however they are named."""
    plain = [
        count(value, _USAGE)
        for key, value in details.items()
        if key.startswith(side) and key not in _SPECIAL and not isinstance(value, dict)
    ]
    parts = [part for part in (*plain, *special) if part is not None]
    return sum(parts) if parts else None


def _first(details: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    return next((count(details[key], _USAGE) for key in keys if details.get(key) is not None), None)
