"""logfire's SDK integrations: cache and reasoning only in the provider's own usage object, kept as
JSON in `gen_ai.usage.raw`."""

from __future__ import annotations

from typing import Any, Final

from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import (
    REQUEST_MODEL,
    Reading,
    count,
    first_count,
    first_text,
    inner,
    numbers_in,
    text_of,
)
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "gen_ai.usage.raw"
KEYS: Final = frozenset({MARK})


def read(span: Span) -> Reading | NotACall:
    """The conventions, completed from the raw object; the shape of the object tells the provider's
    habit."""
    # The raw object is usage, so that with a model it makes a call, as plain counts would.
    reading = otel.read(span, "chat" if first_text(span.attributes, REQUEST_MODEL) else "")
    if isinstance(reading, NotACall):
        return reading
    raw = numbers_in(span.attributes[MARK])
    is_anthropic = "cache_read_input_tokens" in raw or "cache_creation_input_tokens" in raw
    complete = _with_anthropic if is_anthropic else _with_openai
    return reading._replace(
        dialect="logfire",
        usage=complete(reading.usage, raw),
        tier="fast" if raw.get("speed") == "fast" else text_of(raw.get("service_tier")),
    )


def _with_anthropic(usage: Usage, raw: dict[str, Any]) -> Usage:
    """Anthropic's input leaves the cache out; logfire passes it on as it is."""
    read = first_count(usage.cache_read_tokens, raw.get("cache_read_input_tokens"), name=MARK)
    written = first_count(
        usage.cache_write_tokens, raw.get("cache_creation_input_tokens"), name=MARK
    )
    uncached = count(raw.get("input_tokens"), MARK)
    input_tokens = uncached if usage.input_tokens is None else usage.input_tokens
    if input_tokens is not None and input_tokens == uncached:
        input_tokens += (read or 0) + (written or 0)
    return usage._replace(
        input_tokens=input_tokens,
        output_tokens=first_count(usage.output_tokens, raw.get("output_tokens"), name=MARK),
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=count(
            inner(raw, ("cache_creation", "ephemeral_1h_input_tokens")), MARK
        ),
        web_search_requests=count(inner(raw, ("server_tool_use", "web_search_requests")), MARK),
    )


def _with_openai(usage: Usage, raw: dict[str, Any]) -> Usage:
    """OpenAI's two APIs name the same things differently; parts are inside their wholes."""
    inputs = [inner(raw, (f"{kind}_tokens_details",)) or {} for kind in ("prompt", "input")]
    outputs = [inner(raw, (f"{kind}_tokens_details",)) or {} for kind in ("completion", "output")]

    def part(known: int | None, details: list[Any], key: str) -> int | None:
        return first_count(known, *(inner(found, (key,)) for found in details), name=MARK)

    return usage._replace(
        input_tokens=first_count(
            usage.input_tokens, raw.get("prompt_tokens"), raw.get("input_tokens"), name=MARK
        ),
        output_tokens=first_count(
            usage.output_tokens, raw.get("completion_tokens"), raw.get("output_tokens"), name=MARK
        ),
        cache_read_tokens=part(usage.cache_read_tokens, inputs, "cached_tokens"),
        reasoning_tokens=part(usage.reasoning_tokens, outputs, "reasoning_tokens"),
        input_audio_tokens=part(usage.input_audio_tokens, inputs, "audio_tokens"),
        output_audio_tokens=part(usage.output_audio_tokens, outputs, "audio_tokens"),
    )
