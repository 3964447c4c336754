"""Genkit: `genkit:metadata:subtype` is `model` on calls; usage in the JSON of `genkit:output`."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects.base import Reading, count, numbers_in
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "genkit:metadata:subtype"
_OUTPUT: Final = "genkit:output"
_NAME: Final = "genkit:name"
KEYS: Final = frozenset({MARK, _OUTPUT, _NAME, "genkit:type"})


def read(span: Span) -> Reading | NotACall:
    """The model is named `provider/model`; thoughts are inside the output count."""
    if span.attributes[MARK] != "model":
        return NotACall("aggregate")
    provider, _, model = str(span.attributes.get(_NAME, "")).rpartition("/")
    found = numbers_in(span.attributes.get(_OUTPUT)).get("usage")
    usage = found if isinstance(found, dict) else {}
    return Reading(
        dialect="genkit",
        operation="chat",
        provider=provider,
        request_model=model,
        response_model="",
        usage=Usage(
            input_tokens=count(usage.get("inputTokens"), _OUTPUT),
            output_tokens=count(usage.get("outputTokens"), _OUTPUT),
            cache_read_tokens=count(usage.get("cachedContentTokens"), _OUTPUT),
            reasoning_tokens=count(usage.get("thoughtsTokens"), _OUTPUT),
        ),
    )
