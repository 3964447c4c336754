"""LiteLLM's proxy and SDK: the conventions, with its own name for the model it really called."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import Reading, text_of
from taximeter_processor.ingest.providers import canonical_provider
from taximeter_processor.model import NotACall, Span

MARK: Final = "litellm.provider.model"
KEYS: Final = frozenset({MARK})
RAW_DUMP: Final = "raw_gen_ai_request"
"""The span that repeats a call as its provider's own request and response."""


def read(span: Span) -> Reading | NotACall:
    """The request names a proxy's alias: without a response model, what was called stands in."""
    if span.name == RAW_DUMP:
        return NotACall("raw_dump")
    reading = otel.read(span)
    if isinstance(reading, NotACall):
        return reading
    called = text_of(span.attributes[MARK])
    seller, _, model = called.partition("/")
    if model and canonical_provider(seller, "", "") == canonical_provider(reading.provider, "", ""):
        called = model
    return reading._replace(dialect="litellm", response_model=reading.response_model or called)
