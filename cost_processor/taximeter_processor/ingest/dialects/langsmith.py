"""LangSmith's OpenTelemetry export: `langsmith.span.kind`, details as a Python `str(dict)`."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import (
    Reading,
    cache_written,
    count,
    first_count,
    numbers_in,
    text_of,
)
from taximeter_processor.ingest.providers import is_framework
from taximeter_processor.model import NotACall, Span

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
    reading = otel.read(span, "embeddings" if kind == "embedding" else "chat")
    if isinstance(reading, NotACall):
        return reading
    inputs = numbers_in(attributes.get(_INPUT_DETAILS))
    outputs = numbers_in(attributes.get(_OUTPUT_DETAILS))
    usage = reading.usage
    whole, *by_lifetime = (
        count(inputs.get(key), _INPUT_DETAILS)
        for key in ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    )
    provider = reading.provider
    return reading._replace(
        dialect="langsmith",
        operation="embeddings" if kind == "embedding" else reading.operation,
        provider=text_of(attributes.get(_PROVIDER)) if is_framework(provider) else provider,
        request_model=reading.request_model or text_of(attributes.get(_MODEL)),
        usage=usage._replace(
            cache_read_tokens=first_count(inputs.get("cache_read"), usage.cache_read_tokens),
            cache_write_tokens=first_count(
                cache_written(whole, *by_lifetime), usage.cache_write_tokens
            ),
            cache_write_1h_tokens=first_count(by_lifetime[1], usage.cache_write_1h_tokens),
            input_audio_tokens=first_count(inputs.get("audio"), usage.input_audio_tokens),
            output_audio_tokens=first_count(outputs.get("audio"), usage.output_audio_tokens),
            reasoning_tokens=first_count(outputs.get("reasoning"), usage.reasoning_tokens),
        ),
    )
