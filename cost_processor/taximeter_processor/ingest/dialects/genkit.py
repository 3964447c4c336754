"""Genkit: `genkit:metadata:subtype` is `model` on calls; usage in the JSON of `genkit:output`."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects.base import Reading, count, numbers_in, text_of
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "genkit:metadata:subtype"
_OUTPUT: Final = "genkit:output"
_NAME: Final = "genkit:name"
KEYS: Final = frozenset({MARK, _OUTPUT, _NAME})


def read(span: Span) -> Reading | NotACall:
    """The model's name begins with its seller's; thoughts are inside the output count."""
    if span.attributes[MARK] != "model":
        return NotACall("aggregate")
    name = text_of(span.attributes.get(_NAME))
    seller, slash, _ = name.partition("/")
    found = numbers_in(span.attributes.get(_OUTPUT)).get("usage")
    usage = found if isinstance(found, dict) else {}

    def told(name: str) -> int | None:
        return count(usage.get(name), _OUTPUT)

    return Reading(
        dialect="genkit",
        operation="chat",
        provider=seller if slash else "",
        request_model=name,
        response_model="",
        usage=Usage(
            input_tokens=told("inputTokens"),
            output_tokens=told("outputTokens"),
            cache_read_tokens=told("cachedContentTokens"),
            reasoning_tokens=told("thoughtsTokens"),
        ),
    )
