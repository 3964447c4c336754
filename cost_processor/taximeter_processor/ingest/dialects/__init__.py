"""The registry of dialects: which mark on a span hands it to which reader. First match wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.decoded import WANTED_PREFIXES
from taximeter_processor.ingest.dialects import (
    adk,
    genkit,
    langfuse,
    langsmith,
    litellm,
    logfire,
    openinference,
    otel,
    traceloop,
    vercel,
)
from taximeter_processor.ingest.dialects.base import (
    IGNORED_USAGE_KEYS,
    RESPONSE_ID,
    USAGE_KEYS,
    Reading,
)
from taximeter_processor.ingest.dialects.estimates import RPC_METHOD
from taximeter_processor.ingest.tags import TAG_KEYS
from taximeter_processor.model import NotACall, Span

_MODULES: Final = (
    openinference,
    traceloop,
    langsmith,
    langfuse,
    vercel,
    genkit,
)
_CONVENTIONAL: Final = (adk, logfire, litellm)
"""Dialects that add to the conventions: what is no inference by the conventions is none of theirs.
"""
_NEVER: Final = ("mcp.method.name", *WANTED_PREFIXES)


def _no_inference(_: Span) -> NotACall:
    return NotACall("not_inference")


RULES: Final[dict[str, Callable[[Span], Reading | NotACall | None]]] = {
    **{module.MARK: module.read for module in _MODULES},
    **dict.fromkeys(_NEVER, _no_inference),
    **{module.MARK: module.read for module in _CONVENTIONAL},
}
"""An attribute that decides what a span is, and how; in this order, and None hands on."""
MARKED: Final = tuple(module.MARK for module in (*_MODULES, *_CONVENTIONAL))
"""The attributes that mark a dialect: the Collector must keep such spans."""
UNMARKED: Final = otel.read

SPAN_KEYS: Final = frozenset(
    {
        *USAGE_KEYS,
        *IGNORED_USAGE_KEYS,
        *TAG_KEYS,
        *_NEVER,
        *(key for module in (*_MODULES, *_CONVENTIONAL, otel) for key in module.KEYS),
        RPC_METHOD,
        *RESPONSE_ID,
        names.REQUEST_STREAM,
        names.SERVER_ADDRESS,
        names.ERROR_TYPE,
        names.SERVICE_TIER,
        names.UPSTREAM_COST_USD,
        names.USAGE_STATUS,
        names.CACHE_HIT,
        names.SEQUENCE,
        names.PROCESS,
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "gen_ai.response.service_tier",
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
        "gen_ai.request.service_tier",
        "deployment.environment",
        "deployment.environment.name",
        "langfuse.environment",
        "gen_ai.environment",
        "gen_ai.application_name",
    }
)
RESOURCE_KEYS: Final = frozenset(
    {
        *names.TAGS,
        "service.name",
        "service.namespace",
        "deployment.environment.name",
        "deployment.environment",
        "telemetry.sdk.name",
        "tenant.id",
        "team.name",
        "team.id",
    }
)
