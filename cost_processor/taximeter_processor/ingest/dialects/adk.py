"""Google's ADK: spans `call_llm`, marked by the request they hold; cache and thoughts only inside
the response's JSON."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import (
    Reading,
    count,
    first_count,
    inner,
    numbers_in,
)
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "gcp.vertex.agent.llm_request"
_RESPONSE: Final = "gcp.vertex.agent.llm_response"
KEYS: Final = frozenset({MARK, _RESPONSE})


def read(span: Span) -> Reading | NotACall:
    """A `call_llm` is an inference even before any count is on it."""
    implied = "chat" if span.name == "call_llm" else ""
    reading = otel.read(span, implied)
    if isinstance(reading, NotACall):
        return reading
    return reading._replace(dialect="adk", usage=_completed(reading.usage, span))


def _completed(usage: Usage, span: Span) -> Usage:
    """Older versions count candidates alone as output: thoughts are added to exactly those."""
    metadata = numbers_in(span.attributes.get(_RESPONSE)).get("usage_metadata")

    def told(name: str) -> int | None:
        return count(inner(metadata, (name,)) if isinstance(metadata, dict) else None, _RESPONSE)

    thoughts, candidates = told("thoughts_token_count"), told("candidates_token_count")
    output = first_count(usage.output_tokens, candidates)
    if thoughts and output is not None and output == candidates:
        output += thoughts
    return usage._replace(
        input_tokens=first_count(usage.input_tokens, told("prompt_token_count")),
        output_tokens=output,
        cache_read_tokens=first_count(usage.cache_read_tokens, told("cached_content_token_count")),
        reasoning_tokens=first_count(usage.reasoning_tokens, thoughts),
    )
