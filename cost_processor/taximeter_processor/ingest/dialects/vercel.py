"""The Vercel AI SDK's own telemetry (`ai.operationId`); version 7 follows the conventions."""

from __future__ import annotations

from typing import Any, Final

from taximeter_processor.ingest.dialects.base import (
    Reading,
    count,
    first_text,
    inner,
    numbers_in,
    reported_cost_of,
    usage_of,
)
from taximeter_processor.model import NotACall, Span, Usage

MARK: Final = "ai.operationId"
_NO_CACHE: Final = "ai.usage.inputTokenDetails.noCacheTokens"
_METADATA: Final = "ai.response.providerMetadata"
KEYS: Final = frozenset(
    {MARK, _NO_CACHE, _METADATA, "ai.model.id", "ai.model.provider", "ai.response.model"}
)
_IN_METADATA: Final = (
    (("anthropic", "usage", "cache_read_input_tokens"), "cache_read_tokens"),
    (("anthropic", "cacheReadInputTokens"), "cache_read_tokens"),
    (("bedrock", "usage", "cacheReadInputTokens"), "cache_read_tokens"),
    (("anthropic", "usage", "cache_creation_input_tokens"), "cache_write_tokens"),
    (("anthropic", "cacheCreationInputTokens"), "cache_write_tokens"),
    (("bedrock", "usage", "cacheWriteInputTokens"), "cache_write_tokens"),
    (
        ("anthropic", "usage", "cache_creation", "ephemeral_1h_input_tokens"),
        "cache_write_1h_tokens",
    ),
    (("anthropic", "usage", "server_tool_use", "web_search_requests"), "web_search_requests"),
)
_OPERATIONS: Final = {".doGenerate": "chat", ".doStream": "chat", ".doEmbed": "embeddings"}


def read(span: Span) -> Reading | NotACall:
    """Only the innermost spans (`.doGenerate`, `.doStream`, `.doEmbed`) are calls."""
    attributes = span.attributes
    identity = str(attributes[MARK])
    operation = _OPERATIONS.get("." + identity.rpartition(".")[2])
    if operation is None:
        return NotACall("aggregate")
    provider = first_text(attributes, ("ai.model.provider", "gen_ai.system"))
    usage, excludes_cache = _usage(span, provider)
    return Reading(
        dialect="vercel",
        operation=operation,
        provider=provider,
        request_model=first_text(attributes, ("gen_ai.request.model", "ai.model.id")),
        response_model=first_text(attributes, ("gen_ai.response.model", "ai.response.model")),
        usage=usage,
        excludes_cache=excludes_cache,
        reported_cost=reported_cost_of(attributes),
    )


def _usage(span: Span, provider: str) -> tuple[Usage, bool]:
    """Counts, and whether input leaves cached tokens out.

    With `noCacheTokens` the total is exact. Versions 4 and 5 pass on Anthropic's and Bedrock's own
    input count, which leaves the cache out; the provider's metadata tells the cache and, when it
    holds the raw usage, which of the two the count is.
    """
    usage = usage_of(span.attributes)
    metadata = numbers_in(span.attributes.get(_METADATA))
    usage = _with_metadata(usage, metadata)
    uncached = count(span.attributes.get(_NO_CACHE), _NO_CACHE)
    if uncached is not None:
        total = uncached + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        return usage._replace(input_tokens=total), False
    raw_input = count(inner(metadata, ("anthropic", "usage", "input_tokens")), _METADATA)
    if raw_input is not None:
        return usage, raw_input == usage.input_tokens
    return usage, "anthropic" in provider or "bedrock" in provider


def _with_metadata(usage: Usage, metadata: dict[str, Any]) -> Usage:
    """What only the provider's metadata tells: cache writes, and in older versions reads."""
    known = usage._asdict()
    for path, field in _IN_METADATA:
        if known[field] is None:
            known[field] = count(inner(metadata, path), _METADATA)
    return Usage(**known)
