"""Attributes of spans as their emitters write them: those of the normalisation vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OPENAI_V2: Final = "opentelemetry.instrumentation.openai_v2"
OPENINFERENCE: Final = "openinference.instrumentation.langchain"
TRACELOOP: Final = "opentelemetry.instrumentation.openai"
TAXIMETER: Final = "taximeter"
LITELLM: Final = "litellm"
VERCEL_7: Final = "gen_ai"


def chat(model: str, inputs: int, outputs: int) -> dict[str, Any]:
    """A call in the conventions, by its provider's name."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic" if "claude" in model else "openai",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": inputs,
        "gen_ai.usage.output_tokens": outputs,
    }


def openinference(kind: str, inputs: int, outputs: int) -> dict[str, Any]:
    """A gpt-4.1 span of a kind, as OpenInference writes it."""
    return {
        "openinference.span.kind": kind,
        "llm.provider": "openai",
        "llm.model_name": "gpt-4.1",
        "llm.token_count.prompt": inputs,
        "llm.token_count.completion": outputs,
    }


# 1000 x $2 + 100 x $8 and 500 x $2 + 50 x $8, in millionths of a dollar.
FIRST: Final = chat("gpt-4.1", 1000, 100)
SECOND_CALL: Final = chat("gpt-4.1", 500, 50)
SUM: Final = {
    "gen_ai.request.model": "gpt-4.1",
    "gen_ai.usage.input_tokens": 1500,
    "gen_ai.usage.output_tokens": 150,
}
RUN: Final = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support"}


def named(call: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A call whose response has an id."""
    return {**call, "gen_ai.response.id": f"chatcmpl-{number}"}


SDK_CALL: Final = named(FIRST, 1)
OURS: Final = {
    **SDK_CALL,
    "gen_ai.response.model": "gpt-4.1-2025-04-14",
    "gen_ai.usage.cache_read.input_tokens": 800,
    "taximeter.feature": "search",
    "taximeter.usage_status": "reported",
}
LITELLM_CALL: Final = {
    "gen_ai.system": "openai",
    "gen_ai.request.model": "gpt-4.1",
    "llm.request.type": "acompletion",
    "gen_ai.operation.name": "acompletion",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "gpt-4.1-2025-04-14",
    "gen_ai.usage.total_tokens": 1100,
    "gen_ai.usage.output_tokens": 100,
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.cost.total_cost": 0.0028,
    "metadata.user_api_key_team_alias": "growth",
}
ENVOY: Final = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.model_name": "gpt-4.1-2025-04-14",
    "llm.token_count.prompt": 1000,
    "llm.token_count.completion": 100,
    "llm.token_count.total": 1100,
    "llm.token_count.prompt_details.cache_creation": 0,
    "tenant.id": "acme",
}
RESPONSES: Final = {**LITELLM_CALL, "gen_ai.operation.name": "aresponses"}
KONG: Final = {**SDK_CALL, "gen_ai.response.finish_reasons": ["tool_calls"]}
VERCEL: Final = {
    "ai.model.id": "gpt-4.1",
    "ai.model.provider": "openai.chat",
    "ai.usage.inputTokens": 1000,
    "ai.usage.outputTokens": 100,
}
VERCEL_STEP: Final = {**VERCEL, "gen_ai.system": "openai.chat", "gen_ai.request.model": "gpt-4.1"}
EMBED: Final = {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "text-embedding-3-small",
}
FAILED: Final = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4.1",
    "error.type": "503",
}
FILTERED: Final = {**named(SECOND_CALL, 1), "error.type": "content_filter"}
FALLBACK: Final = {**chat("claude-sonnet-4-5", 1000, 100), "gen_ai.response.id": "msg_1"}
SMART: Final = {
    **FALLBACK,
    "gen_ai.request.model": "smart",
    "gen_ai.response.model": "claude-sonnet-4-5",
}
