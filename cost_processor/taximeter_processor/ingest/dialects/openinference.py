"""OpenInference (Arize), also Envoy AI Gateway's default: `openinference.span.kind`."""

from __future__ import annotations

from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import (
    REQUEST_MODEL,
    Attributes,
    Reading,
    first_text,
    numbers_in,
    provider_of,
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
"""The model of the answer where it is known, else the one that was asked for."""
_RESPONSE_MODEL: Final = (
    names.RESPONSE_MODEL,
    "llm.response.model_name",
    "ai.response.model",
    *_MODEL,
    "llm.response.model",
)

KEYS: Final = frozenset({MARK, *_PARAMETERS, *_MODEL})


def read(span: Span) -> Reading | NotACall:
    """Only LLM and EMBEDDING spans are billable; the others may carry sums of their children."""
    attributes = span.attributes
    operation = _OPERATIONS.get(str(attributes[MARK]).upper())
    if operation is None:
        return NotACall("aggregate")
    return Reading(
        dialect="openinference",
        operation=operation,
        provider=provider_of(attributes),
        request_model=_requested(attributes),
        response_model=first_text(attributes, _RESPONSE_MODEL),
        usage=usage_of(attributes),
        reported_cost=reported_cost_of(attributes),
    )


def _requested(attributes: Attributes) -> str:
    """The model that was asked for: by name, in the request's parameters, or the only one told."""
    told = first_text(attributes, _REQUESTED)
    for key in _PARAMETERS:
        told = told or text_of(numbers_in(attributes.get(key)).get("model"))
    return told or first_text(attributes, REQUEST_MODEL)
