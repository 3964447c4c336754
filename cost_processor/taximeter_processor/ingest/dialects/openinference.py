"""OpenInference (Arize), also Envoy AI Gateway's default: `openinference.span.kind`."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects.base import (
    Reading,
    first_text,
    numbers_in,
    reported_cost_of,
    usage_of,
)
from taximeter_processor.model import NotACall, Span

MARK: Final = "openinference.span.kind"
_OPERATIONS: Final = {"LLM": "chat", "EMBEDDING": "embeddings"}
_PARAMETERS: Final = ("llm.invocation_parameters", "embedding.invocation_parameters")
_MODEL: Final = ("llm.model_name", "embedding.model_name")

KEYS: Final = frozenset(
    {
        MARK,
        *_PARAMETERS,
        *_MODEL,
        "llm.provider",
        "llm.system",
        "llm.request.model_name",
        "llm.response.model_name",
    }
)


def read(span: Span) -> Reading | NotACall:
    """Only LLM and EMBEDDING spans are billable; the others may carry sums of their children."""
    attributes = span.attributes
    operation = _OPERATIONS.get(str(attributes[MARK]).upper())
    if operation is None:
        return NotACall("aggregate")
    model = first_text(attributes, _MODEL)
    requested = first_text(attributes, ("llm.request.model_name",))
    for key in _PARAMETERS:
        requested = requested or str(numbers_in(attributes.get(key)).get("model") or "")
    # The host that was called is the seller; the model's maker only stands in for it.
    provider = first_text(attributes, ("llm.provider", "llm.system"))
    return Reading(
        dialect="openinference",
        operation=operation,
        provider=provider,
        request_model=requested or model,
        response_model=first_text(attributes, ("llm.response.model_name",)) or model,
        usage=usage_of(attributes),
        excludes_cache=provider.lower() in ("aws", "amazon", "bedrock")
        and (span.name.startswith("bedrock.converse") or "nova" in model),
        reported_cost=reported_cost_of(attributes),
    )
