"""Langfuse's SDK: `langfuse.observation.type`, usage as a JSON map of buckets that do not overlap."""

from __future__ import annotations

from typing import Any, Final

from taximeter_processor.ingest.dialects.base import (
    Reading,
    count,
    first_text,
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
    base, output = count(details.get("input"), _USAGE), count(details.get("output"), _USAGE)
    read, written = _first(details, _CACHE_READ), _first(details, _CACHE_WRITE)
    by_ttl = [count(details.get(key), _USAGE) for key in _CACHE_WRITE_BY_TTL]
    if written is None and any(part is not None for part in by_ttl):
        written = sum(part or 0 for part in by_ttl)
    reasoning = _first(details, _REASONING)
    inputs = [part for part in (base, read, written) if part is not None]
    outputs = [part for part in (output, reasoning) if part is not None]
    return Usage(
        input_tokens=sum(inputs) if inputs else None,
        output_tokens=sum(outputs) if outputs else None,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=by_ttl[1],
        reasoning_tokens=reasoning,
    )


def _first(details: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    return next((count(details[key], _USAGE) for key in keys if details.get(key) is not None), None)
