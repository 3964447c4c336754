"""The GenAI semantic conventions, old and new, and the emitters that follow them with a quirk.

Sources: OpenTelemetry semantic conventions 1.26 to 1.41 and their successor repository;
OpenLLMetry, OpenLIT, Strands, LiteLLM, Envoy AI Gateway, Google ADK and logfire for what they do
differently.
"""

from __future__ import annotations

from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import (
    Attributes,
    BadSpan,
    Reading,
    count,
    first_text,
    inner,
    numbers_in,
    reported_cost_of,
    usage_of,
)
from taximeter_processor.ingest.providers import canonical_provider
from taximeter_processor.model import NotACall, Span, Usage

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
    "embedding": "embeddings",
    "aembedding": "embeddings",
}
_AGGREGATES: Final = frozenset(
    {"invoke_agent", "invoke_workflow", "agent_step", "handle_conversation_turn", "plan", "chain"}
)
# Never billed by the token, even when an emitter leaves counts on them.
_NOT_INFERENCE: Final = frozenset(
    {
        "create_agent",
        "execute_tool",
        "fetch_response",
        "retrieval",
        "rerank",
        "arerank",
        "tokenize",
        "moderation",
        "amoderation",
    }
)
_REQUEST_MODEL: Final = (names.REQUEST_MODEL, "llm.request.model")
_RESPONSE_MODEL: Final = (names.RESPONSE_MODEL, "llm.response.model", "litellm.provider.model")
_PROVIDER: Final = (names.PROVIDER_NAME, "gen_ai.system")
_ADK_RESPONSE: Final = "gcp.vertex.agent.llm_response"
_RAW_USAGE: Final = "gen_ai.usage.raw"
_REQUEST_TYPE: Final = "llm.request.type"
_ENVOY: Final = "envoyproxy/ai-gateway"

KEYS: Final = frozenset(
    {
        names.OPERATION_NAME,
        *_REQUEST_MODEL,
        *_RESPONSE_MODEL,
        *_PROVIDER,
        "gcp.vertex.agent.llm_request",
        "gcp.vertex.agent.event_id",
        _ADK_RESPONSE,
        _RAW_USAGE,
        _REQUEST_TYPE,
        "telemetry.sdk.name",
    }
)


def read(span: Span) -> Reading | NotACall:
    """Operation first, kind never; without one, usage and a model together make a call."""
    attributes = span.attributes
    operation = first_text(attributes, (names.OPERATION_NAME,)) or _implied_operation(span)
    if operation is None:
        return NotACall("not_genai")
    canonical = OPERATIONS.get(operation) or OPERATIONS.get(operation.lower())
    if canonical is None:
        return _no_call(operation.lower(), attributes)
    provider = first_text(attributes, _PROVIDER)
    usage = usage_of(attributes)
    if _RAW_USAGE in attributes:
        usage = _with_raw_usage(usage, attributes)
    if _ADK_RESPONSE in attributes:
        usage = _with_adk_response(usage, attributes)
    cached = usage.cache_read_tokens or usage.cache_write_tokens
    return Reading(
        "otel",
        canonical,
        provider,
        first_text(attributes, _REQUEST_MODEL),
        first_text(attributes, _RESPONSE_MODEL),
        usage,
        bool(cached) and _excludes_cache(span, provider.lower()),
        reported_cost_of(attributes),
    )


def _no_call(operation: str, attributes: Attributes) -> NotACall:
    """Why an operation is not billable. Raises `BadSpan` for an unknown one that reports usage."""
    if operation in _AGGREGATES:
        return NotACall("aggregate")
    usage = usage_of(attributes)
    has_usage = usage.input_tokens is not None or usage.output_tokens is not None
    is_known = operation in _NOT_INFERENCE or "memory" in operation or "litellm." in operation
    if has_usage and not is_known:
        raise BadSpan(f"operation {operation[:40]!r} is not known, but the span reports usage")
    return NotACall("not_inference")


def _implied_operation(span: Span) -> str | None:
    """The operation of older emitters: their request type, or chat when usage names a model."""
    attributes = span.attributes
    request_type = attributes.get(_REQUEST_TYPE)
    if isinstance(request_type, str) and request_type in OPERATIONS:
        return request_type
    is_adk = span.name == "call_llm" and "gcp.vertex.agent.llm_request" in attributes
    if not first_text(attributes, (*_REQUEST_MODEL, *_RESPONSE_MODEL)):
        return None
    usage = usage_of(attributes)
    has_usage = usage.input_tokens is not None or usage.output_tokens is not None
    return "chat" if is_adk or has_usage else None


def _excludes_cache(span: Span, provider: str) -> bool:
    """Emitters known to pass on input counts that leave cached tokens out."""
    if span.scope == _ENVOY:
        return provider.endswith("anthropic")
    if provider == "anthropic":
        return (
            span.attributes.get("telemetry.sdk.name") == "openlit"
            or span.resource.get("telemetry.sdk.name") == "openlit"
            or span.scope.startswith("openlit")
            or "gen_ai.usage.cost" in span.attributes
        )
    if provider == "aws.bedrock":
        return span.name.startswith("bedrock.converse")
    if provider == "strands-agents":
        model = first_text(span.attributes, _REQUEST_MODEL)
        return canonical_provider(provider, "", model) == "aws.bedrock"
    return False


def _with_raw_usage(usage: Usage, attributes: Attributes) -> Usage:
    """Counts that logfire leaves in the provider's own usage object."""
    raw = numbers_in(attributes.get(_RAW_USAGE))
    read = count(raw.get("cache_read_input_tokens"), _RAW_USAGE)
    written = count(raw.get("cache_creation_input_tokens"), _RAW_USAGE)
    if read is not None or written is not None:
        input_tokens = usage.input_tokens
        if input_tokens is not None and input_tokens == count(raw.get("input_tokens")):
            input_tokens += (read or 0) + (written or 0)
        return usage._replace(
            input_tokens=input_tokens,
            cache_read_tokens=read,
            cache_write_tokens=written,
            cache_write_1h_tokens=count(
                inner(raw, ("cache_creation", "ephemeral_1h_input_tokens")), _RAW_USAGE
            ),
        )
    details = ("prompt_tokens_details", "input_tokens_details")
    outputs = ("completion_tokens_details", "output_tokens_details")
    cached = [inner(raw, (name, "cached_tokens")) for name in details]
    reasoning = [inner(raw, (name, "reasoning_tokens")) for name in outputs]
    return usage._replace(
        cache_read_tokens=_first(usage.cache_read_tokens, *cached),
        reasoning_tokens=_first(usage.reasoning_tokens, *reasoning),
    )


def _with_adk_response(usage: Usage, attributes: Attributes) -> Usage:
    """Cached input and thoughts, which Google's ADK tells only inside the response."""
    found = numbers_in(attributes.get(_ADK_RESPONSE)).get("usage_metadata")
    metadata = found if isinstance(found, dict) else {}
    thoughts = count(metadata.get("thoughts_token_count"), _ADK_RESPONSE)
    output = usage.output_tokens
    if thoughts and output is not None and output == metadata.get("candidates_token_count"):
        output += thoughts
    return usage._replace(
        output_tokens=output,
        cache_read_tokens=_first(
            usage.cache_read_tokens, metadata.get("cached_content_token_count")
        ),
        reasoning_tokens=_first(usage.reasoning_tokens, thoughts),
    )


def _first(*values: object) -> int | None:
    return next((count(value, "usage") for value in values if value is not None), None)
