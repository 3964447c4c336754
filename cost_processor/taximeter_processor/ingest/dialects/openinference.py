"""OpenInference (Arize), also Envoy AI Gateway's default: `openinference.span.kind`."""

from __future__ import annotations

from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import (
    PROVIDER,
    RESPONSE_MODEL,
    Reading,
    first_text,
    numbers_in,
    reported_cost_of,
    text_of,
    usage_of,
)
from taximeter_processor.model import NotACall, Span

MARK: Final = "openinference.span.kind"
_OPERATIONS: Final = {"LLM": "chat", "EMBEDDING": "embeddings"}
_REQUESTED: Final = (names.REQUEST_MODEL, "llm.request.model_name")
_PARAMETERS: Final = ("llm.invocation_parameters", "embedding.invocation_parameters")
_MODEL: Final = ("llm.model_name", "embedding.model_name")
# This dialect's own names come first: a span may hold another's as well.
_PROVIDER: Final = ("llm.provider", "llm.system", *PROVIDER)

KEYS: Final = frozenset({MARK, *_PARAMETERS, *_MODEL})


def read(span: Span) -> Reading | NotACall:
    """Only LLM and EMBEDDING spans are billable; the others may carry sums of their children."""
    attributes = span.attributes
    operation = _OPERATIONS.get(str(attributes[MARK]).upper())
    if operation is None:
        return NotACall("aggregate")
    model = first_text(attributes, _MODEL)
    requested = first_text(attributes, _REQUESTED)
    for key in _PARAMETERS:
        requested = requested or text_of(numbers_in(attributes.get(key)).get("model"))
    return Reading(
        dialect="openinference",
        operation=operation,
        provider=first_text(attributes, _PROVIDER),
        request_model=requested or model,
        response_model=first_text(attributes, RESPONSE_MODEL) or model,
        usage=usage_of(attributes),
        reported_cost=reported_cost_of(attributes),
    )
