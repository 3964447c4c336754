"""The Vercel AI SDK's own telemetry (`ai.operationId`); from version 7 on it follows the conventions."""

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
_OPERATIONS: Final = {".doGenerate": "chat", ".doStream": "chat", ".doEmbed": "embeddings"}


def read(span: Span) -> Reading | NotACall:
    """Only the innermost spans (`.doGenerate`, `.doStream`, `.doEmbed`) are calls."""
    attributes = span.attributes
    identity = str(attributes[MARK])
    operation = _OPERATIONS.get("." + identity.rpartition(".")[2])
    if operation is None:
        return NotACall("aggregate")
    usage, excludes_cache = _usage(span)
    return Reading(
        dialect="vercel",
        operation=operation,
        provider=first_text(attributes, ("ai.model.provider", "gen_ai.system")),
        request_model=first_text(attributes, ("gen_ai.request.model", "ai.model.id")),
        response_model=first_text(attributes, ("gen_ai.response.model", "ai.response.model")),
        usage=usage,
        excludes_cache=excludes_cache,
        reported_cost=reported_cost_of(attributes),
    )


def _usage(span: Span) -> tuple[Usage, bool]:
    """Counts, and whether input leaves cached tokens out.

    With `noCacheTokens` the total is exact. Older versions pass Anthropic's and Bedrock's own input
    count, which leaves the cache out, and tell the cache only in the provider's metadata.
    """
    usage = usage_of(span.attributes)
    uncached = count(span.attributes.get(_NO_CACHE), _NO_CACHE)
    if uncached is not None:
        total = uncached + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        return usage._replace(input_tokens=total), False
    metadata = numbers_in(span.attributes.get(_METADATA))
    for path, read_key, write_key in (
        (("anthropic",), "cacheReadInputTokens", "cacheCreationInputTokens"),
        (("anthropic", "usage"), "cache_read_input_tokens", "cache_creation_input_tokens"),
        (("bedrock", "usage"), "cacheReadInputTokens", "cacheWriteInputTokens"),
    ):
        found = inner(metadata, path)
        if isinstance(found, dict) and (found.get(read_key) or found.get(write_key)):
            return _with_metadata(usage, found, read_key, write_key), True
    return usage, False


def _with_metadata(usage: Usage, found: dict[str, Any], read_key: str, write_key: str) -> Usage:
    read, written = count(found.get(read_key), _METADATA), count(found.get(write_key), _METADATA)
    return usage._replace(
        cache_read_tokens=usage.cache_read_tokens if read is None else read,
        cache_write_tokens=usage.cache_write_tokens if written is None else written,
    )
