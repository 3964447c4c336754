"""LangSmith's OpenTelemetry export: `langsmith.span.kind`, details as a Python `str(dict)`."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import Reading, count, numbers_in
from taximeter_processor.model import NotACall, Span

MARK: Final = "langsmith.span.kind"
_INPUT_DETAILS: Final = "gen_ai.usage.input_token_details"
_OUTPUT_DETAILS: Final = "gen_ai.usage.output_token_details"
KEYS: Final = frozenset({MARK, _INPUT_DETAILS, _OUTPUT_DETAILS, "langsmith.metadata.ls_provider"})


def read(span: Span) -> Reading | NotACall:
    """Only `llm` and `embedding` runs are billable: chains carry rolled-up counts."""
    kind = str(span.attributes[MARK])
    if kind not in ("llm", "embedding"):
        return NotACall("aggregate")
    reading = otel.read(span)
    if isinstance(reading, NotACall):
        return reading
    inputs = numbers_in(span.attributes.get(_INPUT_DETAILS))
    outputs = numbers_in(span.attributes.get(_OUTPUT_DETAILS))
    usage = reading.usage
    return reading._replace(
        dialect="langsmith",
        operation="embeddings" if kind == "embedding" else reading.operation,
        usage=usage._replace(
            cache_read_tokens=count(inputs.get("cache_read", usage.cache_read_tokens)),
            cache_write_tokens=count(inputs.get("cache_creation", usage.cache_write_tokens)),
            input_audio_tokens=count(inputs.get("audio", usage.input_audio_tokens)),
            output_audio_tokens=count(outputs.get("audio", usage.output_audio_tokens)),
            reasoning_tokens=count(outputs.get("reasoning", usage.reasoning_tokens)),
        ),
    )
