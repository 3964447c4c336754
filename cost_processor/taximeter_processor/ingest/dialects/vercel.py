"""The Vercel AI SDK's own telemetry (`ai.operationId`); version 7 follows the conventions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import (
    RESPONSE_MODEL,
    Attributes,
    Reading,
    count,
    first_text,
    inner,
    numbers_in,
    provider_of,
    reported_cost_of,
    text_of,
    usage_of,
)
from taximeter_processor.model import AttributeValue, NotACall, Span, Usage

SCOPE: Final = "ai"
MARK: Final = "ai.operationId"
_NO_CACHE: Final = "ai.usage.inputTokenDetails.noCacheTokens"
_DETAILS: Final = (
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
)
_TOTAL: Final = "ai.usage.totalTokens"
_METADATA: Final = "ai.response.providerMetadata"
_REQUEST_MODEL: Final = (names.REQUEST_MODEL, "ai.model.id")
KEYS: Final = frozenset({MARK, _NO_CACHE, _METADATA, "ai.response.id"})
_OPERATIONS: Final = {".doGenerate": "chat", ".doStream": "chat", ".doEmbed": "embeddings"}

# Counts that only a provider's metadata tells, by their path under its name there: OpenAI's names
# are those of every provider that is compatible with it. The first one found is taken.
_COUNTS: Final = (
    ("usage.cache_read_input_tokens", "cache_read_tokens"),
    ("cacheReadInputTokens", "cache_read_tokens"),
    ("usage.cacheReadInputTokens", "cache_read_tokens"),
    ("cachedPromptTokens", "cache_read_tokens"),
    ("promptCacheHitTokens", "cache_read_tokens"),
    ("usageMetadata.cachedContentTokenCount", "cache_read_tokens"),
    ("usage.promptTokensDetails.cachedTokens", "cache_read_tokens"),
    ("usage.cache_creation_input_tokens", "cache_write_tokens"),
    ("cacheCreationInputTokens", "cache_write_tokens"),
    ("usage.cacheWriteInputTokens", "cache_write_tokens"),
    ("usage.cacheCreationInputTokens", "cache_write_tokens"),
    ("usage.cache_creation.ephemeral_1h_input_tokens", "cache_write_1h_tokens"),
    ("reasoningTokens", "reasoning_tokens"),
    ("usageMetadata.thoughtsTokenCount", "reasoning_tokens"),
    ("usage.completionTokensDetails.reasoningTokens", "reasoning_tokens"),
    ("usage.server_tool_use.web_search_requests", "web_search_requests"),
)
_TIERS: Final = ("serviceTier", "usage.service_tier")
_COSTS: Final = ("openrouter.usage.cost", "gateway.cost")
_MOST_PROVIDERS: Final = 16
"""A gateway's metadata names more than one; what is named beyond this is not read."""


def read(span: Span) -> Reading | NotACall:
    """Only the innermost spans (`.doGenerate`, `.doStream`, `.doEmbed`) are calls."""
    attributes = span.attributes
    # A span's name begins with its operation; a function's id may follow.
    identity = text_of(attributes.get(MARK)) or span.name.partition(" ")[0]
    operation = _OPERATIONS.get("." + identity.rpartition(".")[2])
    if operation is None:
        return NotACall("aggregate")
    provider = provider_of(attributes)
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
        tier=_tier(metadata),
    )


def _usage(span: Span, provider: str, metadata: dict[str, Any]) -> tuple[Usage, bool]:
    """Counts, and whether input leaves cached tokens out.

    With `noCacheTokens` the total is exact, and whatever tells the parts of its input counts all
    of it. Versions 4 and 5 pass on Anthropic's and Bedrock's own input count, which leaves the
    cache out; the provider's metadata tells the cache and, when it holds the raw usage, which of
    the two the count is.
    """
    attributes = span.attributes
    usage = _with_metadata(usage_of(attributes), metadata)
    usage = _with_thoughts(usage, attributes)
    uncached = count(attributes.get(_NO_CACHE), _NO_CACHE)
    if uncached is not None:
        total = uncached + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        return usage._replace(input_tokens=total), False
    if any(key in attributes for key in _DETAILS):
        return usage, False
    raw_input = count(inner(metadata, ("anthropic", "usage", "input_tokens")), _METADATA)
    if raw_input is not None:
        return usage, raw_input == usage.input_tokens
    return usage, "anthropic" in provider or "bedrock" in provider


def _with_metadata(usage: Usage, metadata: dict[str, Any]) -> Usage:
    known = usage._asdict()
    providers = _providers(metadata)
    for path, field in _COUNTS if providers else ():
        for found in providers:
            if known[field] is None:
                known[field] = count(_at(found, path), _METADATA)
    return Usage(**known)


def _with_thoughts(usage: Usage, attributes: Attributes) -> Usage:
    """Google's output, up to version 5, is without its thoughts; the total then shows it."""
    total = count(attributes.get(_TOTAL), _TOTAL)
    inputs, outputs, thoughts = usage.input_tokens, usage.output_tokens, usage.reasoning_tokens
    if not thoughts or inputs is None or outputs is None or total != inputs + outputs + thoughts:
        return usage
    return usage._replace(output_tokens=outputs + thoughts)


def _tier(metadata: dict[str, Any]) -> str:
    """Anthropic's fast mode is told as a speed, beside the tier that it goes before."""
    providers = _providers(metadata)
    if any(_at(found, "usage.speed") == "fast" for found in providers):
        return "fast"
    told = (text_of(_at(found, path)) for path in _TIERS for found in providers)
    return next(filter(None, told), "")


def _reported_cost(span: Span, metadata: dict[str, Any]) -> AttributeValue | None:
    told = (_at(metadata, path) for path in _COSTS)
    found = next((cost for cost in told if isinstance(cost, (int, float, str))), None)
    reported = reported_cost_of(span.attributes)
    return found if reported is None else reported


def _providers(metadata: dict[str, Any]) -> list[Mapping[str, Any]]:
    named = [found for found in metadata.values() if isinstance(found, Mapping)]
    return named[:_MOST_PROVIDERS]


def _at(metadata: Mapping[str, Any], path: str) -> Any:
    return inner(metadata, path.split("."))
