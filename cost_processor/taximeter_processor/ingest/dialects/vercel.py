"""The Vercel AI SDK's own telemetry (`ai.operationId`); version 7 follows the conventions."""

from __future__ import annotations

from typing import Any, Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import (
    RESPONSE_MODEL,
    Reading,
    count,
    first_text,
    inner,
    numbers_in,
    reported_cost_of,
    text_of,
    usage_of,
)
from taximeter_processor.model import AttributeValue, NotACall, Span, Usage

SCOPE: Final = "ai"
MARK: Final = "ai.operationId"
_NO_CACHE: Final = "ai.usage.inputTokenDetails.noCacheTokens"
_METADATA: Final = "ai.response.providerMetadata"
_PROVIDER: Final = ("ai.model.provider", names.PROVIDER_NAME, "gen_ai.system")
_REQUEST_MODEL: Final = (names.REQUEST_MODEL, "ai.model.id")
KEYS: Final = frozenset({MARK, _NO_CACHE, _METADATA, "ai.response.id"})
_OPERATIONS: Final = {".doGenerate": "chat", ".doStream": "chat", ".doEmbed": "embeddings"}

# Counts that only a provider's metadata tells, by its path there; the first one found is taken.
_COUNTS: Final = (
    ("anthropic.usage.cache_read_input_tokens", "cache_read_tokens"),
    ("anthropic.cacheReadInputTokens", "cache_read_tokens"),
    ("bedrock.usage.cacheReadInputTokens", "cache_read_tokens"),
    ("openai.cachedPromptTokens", "cache_read_tokens"),
    ("azure.cachedPromptTokens", "cache_read_tokens"),
    ("deepseek.promptCacheHitTokens", "cache_read_tokens"),
    ("google.usageMetadata.cachedContentTokenCount", "cache_read_tokens"),
    ("vertex.usageMetadata.cachedContentTokenCount", "cache_read_tokens"),
    ("openrouter.usage.promptTokensDetails.cachedTokens", "cache_read_tokens"),
    ("anthropic.usage.cache_creation_input_tokens", "cache_write_tokens"),
    ("anthropic.cacheCreationInputTokens", "cache_write_tokens"),
    ("bedrock.usage.cacheWriteInputTokens", "cache_write_tokens"),
    ("bedrock.usage.cacheCreationInputTokens", "cache_write_tokens"),
    ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "cache_write_1h_tokens"),
    ("openai.reasoningTokens", "reasoning_tokens"),
    ("azure.reasoningTokens", "reasoning_tokens"),
    ("google.usageMetadata.thoughtsTokenCount", "reasoning_tokens"),
    ("vertex.usageMetadata.thoughtsTokenCount", "reasoning_tokens"),
    ("openrouter.usage.completionTokensDetails.reasoningTokens", "reasoning_tokens"),
    ("anthropic.usage.server_tool_use.web_search_requests", "web_search_requests"),
)
_TIERS: Final = ("openai.serviceTier", "azure.serviceTier", "anthropic.usage.service_tier")
_COSTS: Final = ("openrouter.usage.cost", "gateway.cost")


def read(span: Span) -> Reading | NotACall:
    """Only the innermost spans (`.doGenerate`, `.doStream`, `.doEmbed`) are calls."""
    attributes = span.attributes
    # A span's name begins with its operation; a function's id may follow.
    identity = text_of(attributes.get(MARK)) or span.name.partition(" ")[0]
    operation = _OPERATIONS.get("." + identity.rpartition(".")[2])
    if operation is None:
        return NotACall("aggregate")
    provider = first_text(attributes, _PROVIDER)
    metadata = numbers_in(attributes.get(_METADATA))
    usage, excludes_cache = _usage(span, provider, metadata)
    return Reading(
        dialect="vercel",
        operation=operation,
        provider=provider,
        request_model=first_text(attributes, _REQUEST_MODEL),
        response_model=first_text(attributes, RESPONSE_MODEL),
        usage=usage,
        excludes_cache=excludes_cache,
        reported_cost=_reported_cost(span, metadata),
        tier=next((text for path in _TIERS if (text := text_of(_at(metadata, path)))), ""),
    )


def _usage(span: Span, provider: str, metadata: dict[str, Any]) -> tuple[Usage, bool]:
    """Counts, and whether input leaves cached tokens out.

    With `noCacheTokens` the total is exact. Versions 4 and 5 pass on Anthropic's and Bedrock's own
    input count, which leaves the cache out; the provider's metadata tells the cache and, when it
    holds the raw usage, which of the two the count is.
    """
    usage = _with_metadata(usage_of(span.attributes), metadata)
    uncached = count(span.attributes.get(_NO_CACHE), _NO_CACHE)
    if uncached is not None:
        total = uncached + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        return usage._replace(input_tokens=total), False
    raw_input = count(_at(metadata, "anthropic.usage.input_tokens"), _METADATA)
    if raw_input is not None:
        return usage, raw_input == usage.input_tokens
    return usage, "anthropic" in provider or "bedrock" in provider


def _with_metadata(usage: Usage, metadata: dict[str, Any]) -> Usage:
    known = usage._asdict()
    for path, field in _COUNTS if metadata else ():
        if known[field] is None:
            known[field] = count(_at(metadata, path), _METADATA)
    return Usage(**known)


def _reported_cost(span: Span, metadata: dict[str, Any]) -> AttributeValue | None:
    told = (_at(metadata, path) for path in _COSTS)
    found = next((cost for cost in told if isinstance(cost, (int, float, str))), None)
    return reported_cost_of(span.attributes) if found is None else found


def _at(metadata: dict[str, Any], path: str) -> Any:
    return inner(metadata, path.split("."))
