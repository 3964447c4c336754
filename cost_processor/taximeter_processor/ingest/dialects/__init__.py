"""The registry of dialects: which mark on a span hands it to which reader. First match wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects import (
    genkit,
    langfuse,
    langsmith,
    openinference,
    otel,
    traceloop,
    vercel,
)
from taximeter_processor.ingest.dialects.base import IGNORED_USAGE_KEYS, USAGE_KEYS, Reading
from taximeter_processor.ingest.tags import TAG_KEYS
from taximeter_processor.model import NotACall, Span

MARKED: Final[dict[str, Callable[[Span], Reading | NotACall]]] = {
    module.MARK: module.read
    for module in (openinference, traceloop, langsmith, langfuse, vercel, genkit)
}
UNMARKED: Final = otel.read

# A span with one of these is no inference, whatever else it carries.
NEVER: Final = frozenset(
    {
        "mcp.method.name",
        "db.system",
        "db.system.name",
        "db.operation.name",
        "db.statement",
        "litellm.service.name",
        "litellm.service.call_type",
        "litellm.guardrail.name",
        "litellm.guardrail.mode",
        "litellm.guardrail.status",
    }
)

SPAN_KEYS: Final = frozenset(
    {
        *USAGE_KEYS,
        *IGNORED_USAGE_KEYS,
        *TAG_KEYS,
        *NEVER,
        *(key for module in (openinference, traceloop, langsmith, langfuse, vercel, genkit, otel)
          for key in module.KEYS),
        names.RESPONSE_ID,
        names.REQUEST_STREAM,
        names.SERVER_ADDRESS,
        names.ERROR_TYPE,
        names.SERVICE_TIER,
        names.USAGE_STATUS,
        names.CACHE_HIT,
        names.SEQUENCE,
        names.PROCESS,
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "gen_ai.response.service_tier",
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
        "deployment.environment",
        "deployment.environment.name",
        "langfuse.environment",
    }
)  # fmt: skip
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
