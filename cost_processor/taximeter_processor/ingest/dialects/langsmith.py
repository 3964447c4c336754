"""LangSmith's OpenTelemetry export: `langsmith.span.kind`, details as a Python `str(dict)`."""

from __future__ import annotations

from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import (
    REQUEST_MODEL,
    RESPONSE_MODEL,
    Attributes,
    Reading,
    cache_written,
    count,
    first_count,
    first_text,
    numbers_in,
    provider_of,
    reported_cost_of,
    text_of,
    usage_of,
)
from taximeter_processor.ingest.dialects.otel import OPERATIONS
from taximeter_processor.ingest.providers import WELL_KNOWN, canonical_provider
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "langsmith.span.kind"
_INPUT_DETAILS: Final = "gen_ai.usage.input_token_details"
_OUTPUT_DETAILS: Final = "gen_ai.usage.output_token_details"
_PROVIDER: Final = "langsmith.metadata.ls_provider"
_MODEL: Final = "langsmith.metadata.ls_model_name"
KEYS: Final = frozenset({MARK, _INPUT_DETAILS, _OUTPUT_DETAILS, _PROVIDER, _MODEL})


def read(span: Span) -> Reading | NotACall:
    """Only `llm` and `embedding` runs are billable: chains carry rolled-up counts."""
    attributes = span.attributes
    kind = text_of(attributes[MARK]).lower()
    if kind not in ("llm", "embedding"):
        return NotACall("aggregate")
    told = OPERATIONS.get(text_of(attributes.get(names.OPERATION_NAME)).lower(), "chat")
    return Reading(
        dialect="langsmith",
        operation="embeddings" if kind == "embedding" else told,
        provider=_provider(attributes),
        request_model=first_text(attributes, (*REQUEST_MODEL, _MODEL)),
        response_model=first_text(attributes, RESPONSE_MODEL),
        usage=_usage(attributes),
        reported_cost=reported_cost_of(attributes),
    )


def _provider(attributes: Attributes) -> str:
    """LangChain's word for the seller, where it is known: the other is guessed from the model."""
    told = text_of(attributes.get(_PROVIDER))
    is_known = canonical_provider(told, "", "") in WELL_KNOWN
    return told if is_known else provider_of(attributes)


def _usage(attributes: Attributes) -> Usage:
    """The conventions' counts, completed from the details."""
    usage = usage_of(attributes)
    inputs = numbers_in(attributes.get(_INPUT_DETAILS))
    outputs = numbers_in(attributes.get(_OUTPUT_DETAILS))
    whole, *by_lifetime = (
        count(inputs.get(key), _INPUT_DETAILS)
        for key in ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    )
    written = cache_written(whole, *by_lifetime)
    return usage._replace(
        cache_read_tokens=first_count(usage.cache_read_tokens, inputs.get("cache_read")),
        cache_write_tokens=first_count(usage.cache_write_tokens, written),
        cache_write_1h_tokens=first_count(usage.cache_write_1h_tokens, by_lifetime[1]),
        input_audio_tokens=first_count(usage.input_audio_tokens, inputs.get("audio")),
        output_audio_tokens=first_count(usage.output_audio_tokens, outputs.get("audio")),
        reasoning_tokens=first_count(usage.reasoning_tokens, outputs.get("reasoning")),
    )
