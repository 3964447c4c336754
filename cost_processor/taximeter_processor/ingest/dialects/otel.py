"""The GenAI semantic conventions, old and new, and the emitters that follow them.

Sources: OpenTelemetry semantic conventions 1.26 to 1.41 and their successor repository;
OpenLLMetry, OpenLIT, LiteLLM and Envoy AI Gateway for the operations they add.
"""

from __future__ import annotations

from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import (
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    Attributes,
    BadSpan,
    Reading,
    first_text,
    reported_cost_of,
    text_of,
    usage_of,
)
from taximeter_processor.model import NotACall, Span

DIALECT: Final = "otel"
UNNAMED: Final = "otel_unnamed"
"""The dialect of spans with usage and a model but no operation: they may be sums of others."""

OPERATIONS: Final = {
    "chat": "chat",
    "text_completion": "text_completion",
    "generate_content": "generate_content",
    "embeddings": "embeddings",
    # Call types of LiteLLM and request types of older OpenLLMetry.
    "completion": "chat",
    "acompletion": "chat",
    "responses": "chat",
    "aresponses": "chat",
    "anthropic_messages": "chat",
    "atext_completion": "text_completion",
    "agenerate_content": "generate_content",
    "generate_content_stream": "generate_content",
    "agenerate_content_stream": "generate_content",
    "embedding": "embeddings",
    "aembedding": "embeddings",
}
_AGGREGATES: Final = frozenset(
    {
        "invoke_agent",
        "invoke_workflow",
        "agent_step",
        "handle_conversation_turn",
        "plan",
        "chain",
    }
)
_MEMORY: Final = frozenset(
    {f"{verb}_memory" for verb in ("create", "update", "upsert", "delete", "search")}
    | {"create_memory_store", "delete_memory_store"}
)
# LiteLLM's calls for a response that was made, and paid, before.
_FETCHED: Final = frozenset(
    f"{prefix}{verb}_responses" for prefix in ("", "a") for verb in ("get", "delete", "cancel")
)
# Nothing is owed for them, or another span tells of it, even when an emitter leaves counts on them.
_NOT_INFERENCE: Final = frozenset(
    {
        "create_agent",
        "execute_tool",
        "fetch_response",
        "retrieval",
        "tokenize",
        "moderation",
        "amoderation",
        *_MEMORY,
        *_FETCHED,
    }
)
_LITELLM: Final = "litellm."
"""Begins LiteLLM's own operations: moderation, and the management of what is stored."""
BILLED_OTHERWISE: Final = {
    "image_generation": "image_generation",
    "aimage_generation": "image_generation",
    "image": "image_generation",
    "audio": "audio",
    "speech": "speech",
    "aspeech": "speech",
    "transcription": "transcription",
    "atranscription": "transcription",
    "translation": "translation",
    "rerank": "rerank",
    "arerank": "rerank",
    "ocr": "ocr",
    "aocr": "ocr",
}
"""Calls that are paid by the image, character, second, search or page, which no span tells."""
_REQUEST_TYPE: Final = "llm.request.type"
_REQUEST_TYPES: Final = frozenset({*OPERATIONS, *_NOT_INFERENCE, *BILLED_OTHERWISE})
_TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
_MODEL: Final = (*REQUEST_MODEL, *RESPONSE_MODEL)

KEYS: Final = frozenset(
    {names.OPERATION_NAME, *PROVIDER, *_MODEL, _REQUEST_TYPE, _TOOL_CALL_ID, "telemetry.sdk.name"}
)


def read(span: Span, implied: str = "") -> Reading | NotACall:
    """Operation first, kind never; without one, usage and a model together make a call.

    `implied` is what a span without an operation is, for dialects that know.
    """
    attributes = span.attributes
    told = first_text(attributes, (names.OPERATION_NAME,)) or implied or _requested(attributes)
    operation = told or _implied(attributes)
    if not operation:
        return NotACall("not_genai")
    canonical = OPERATIONS.get(operation) or OPERATIONS.get(operation.lower())
    if canonical is None:
        return _not_by_tokens(operation.lower(), attributes)
    if _TOOL_CALL_ID in attributes and span.name.startswith("kong"):
        # Kong writes a second span for a call that asks for a tool, with the same usage.
        return NotACall("repeated")
    return Reading(
        DIALECT if told else UNNAMED,
        canonical,
        first_text(attributes, PROVIDER),
        first_text(attributes, REQUEST_MODEL),
        first_text(attributes, RESPONSE_MODEL),
        usage_of(attributes),
        False,
        reported_cost_of(attributes),
    )


def _not_by_tokens(operation: str, attributes: Attributes) -> Reading | NotACall:
    """What a span is that is no text inference.

    Raises `BadSpan` when it reports tokens of which nobody knows the kind, or money for an
    operation that nobody knows.
    """
    if operation in _AGGREGATES:
        return NotACall("aggregate")
    if operation in _NOT_INFERENCE or operation.startswith(_LITELLM):
        return NotACall("not_inference")
    usage, cost = usage_of(attributes), reported_cost_of(attributes)
    known = BILLED_OTHERWISE.get(operation)
    if known is None:
        if any(usage) or cost:
            raise BadSpan(f"operation {operation[:40]!r} is not known, but the span reports usage")
        return NotACall("not_inference")
    if usage.input_tokens or usage.output_tokens:
        raise BadSpan(f"operation {known!r} is not paid by text tokens, but the span reports some")
    return Reading(
        DIALECT,
        known,
        first_text(attributes, PROVIDER),
        first_text(attributes, REQUEST_MODEL),
        first_text(attributes, RESPONSE_MODEL),
        # A count of 0 tokens says nothing about what was paid for.
        usage._replace(input_tokens=None, output_tokens=None),
        False,
        cost,
    )


def _requested(attributes: Attributes) -> str:
    """The request type of older emitters, where it is one of a call."""
    request_type = text_of(attributes.get(_REQUEST_TYPE)).lower()
    return request_type if request_type in _REQUEST_TYPES else ""


def _implied(attributes: Attributes) -> str:
    return "chat" if first_text(attributes, _MODEL) and _has_usage(attributes) else ""


def _has_usage(attributes: Attributes) -> bool:
    usage = usage_of(attributes)
    return usage.input_tokens is not None or usage.output_tokens is not None
