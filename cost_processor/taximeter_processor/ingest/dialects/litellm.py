"""LiteLLM's proxy and SDK: the conventions, with its own name for the model it really called."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import Reading, text_of
from taximeter_processor.ingest.providers import is_framework
from taximeter_processor.model import NotACall, Span

MARK: Final = "litellm.provider.model"
KEYS: Final = frozenset({MARK})
RAW_DUMP: Final = "raw_gen_ai_request"
"""The span that repeats a call as its provider's own request and response."""


def read(span: Span) -> Reading | NotACall:
    """The request names a proxy's alias; what was really called begins with its seller's name."""
    if span.name == RAW_DUMP:
        return NotACall("raw_dump")
    reading = otel.read(span)
    if isinstance(reading, NotACall):
        return reading
    called = text_of(span.attributes[MARK])
    seller, slash, _ = called.partition("/")
    provider = seller if slash and is_framework(reading.provider) else reading.provider
    return reading._replace(dialect="litellm", provider=provider, called_model=called)
