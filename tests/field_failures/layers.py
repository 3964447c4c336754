"""Ways in which one call is told several times: the spans as their emitters write them.

Attributes are those of `tests/data/genai-attributes-vectors.json`; each layer names its spans from
the outermost in. What is to be counted is worked out by hand from the public prices:

    gpt-4.1            $2 input, $0.50 cached input, $8 output a million tokens
    claude-sonnet-4-5  $3 input, $0.30 cached input, $15 output
    text-embedding-3-small  $0.02 input
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tests.field_failures.emitted import (
    EMBED,
    ENVOY,
    FAILED,
    FALLBACK,
    FILTERED,
    FIRST,
    KONG,
    LITELLM,
    LITELLM_CALL,
    OPENAI_V2,
    OPENINFERENCE,
    OURS,
    RESPONSES,
    RUN,
    SDK_CALL,
    SECOND_CALL,
    SMART,
    SUM,
    TAXIMETER,
    TRACELOOP,
    VERCEL,
    VERCEL_7,
    VERCEL_STEP,
    named,
    openinference,
)
from tests.field_failures.told import HOUR, MINUTE, SECOND, Told


class Counted(NamedTuple):
    """A call as it should be in the ledger."""

    model: str
    status: str
    micro_usd: int


class Layer(NamedTuple):
    """Spans that tell of some calls, and these calls."""

    spans: tuple[Told, ...]
    counted: tuple[Counted, ...]
    corrected_micro_usd: int = 0
    """Counted too much, and taken back, when the outermost span comes first."""


BOTH: Final = (Counted("gpt-4.1", "priced", 1400), Counted("gpt-4.1", "priced", 2800))
ONE: Final = (Counted("gpt-4.1", "priced", 2800),)


def in_a_run(
    scope: str,
    run: Mapping[str, Any],
    *between: Told,
    calls: tuple[Mapping[str, Any], Mapping[str, Any]] = (FIRST, SECOND_CALL),
    name: str = "chat gpt-4.1",
    run_name: str = "invoke_agent support",
) -> tuple[Told, ...]:
    """A run of two calls, below the last of the spans between."""
    parent = between[-1].number if between else 1
    return (
        Told(1, 0, scope, run_name, run),
        *between,
        Told(8, parent, scope, name, calls[0], 1 * SECOND, 2 * SECOND),
        Told(9, parent, scope, name, calls[1], 3 * SECOND, 4 * SECOND),
    )


def step(number: int, parent: int, scope: str, **attributes: Any) -> Told:
    """A span between a run and its calls, which is no call."""
    told = {key.replace("__", "."): value for key, value in attributes.items()}
    return Told(number, parent, scope, "step", told, 500, 9 * SECOND)


AGENTS: Final = {
    "an OpenInference agent repeats its calls": Layer(
        in_a_run(
            OPENINFERENCE,
            openinference("AGENT", 1500, 150),
            step(2, 1, OPENINFERENCE, openinference__span__kind="CHAIN"),
            calls=(openinference("LLM", 1000, 100), openinference("LLM", 500, 50)),
            name="ChatOpenAI",
        ),
        BOTH,
    ),
    "a Strands agent repeats its calls under old and new names": Layer(
        in_a_run(
            "strands.telemetry.tracer",
            {**SUM, **RUN, "gen_ai.system": "strands-agents", "gen_ai.usage.prompt_tokens": 1500},
        ),
        BOTH,
    ),
    "a pydantic-ai run with aggregated usage": Layer(
        in_a_run(
            "pydantic-ai",
            {
                **RUN,
                "gen_ai.aggregated_usage.input_tokens": 1500,
                "gen_ai.aggregated_usage.output_tokens": 150,
                "logfire.msg": "support run",
            },
        ),
        BOTH,
    ),
    "an older pydantic-ai run with the usage of its calls": Layer(
        in_a_run("pydantic-ai", {**SUM, **RUN, "logfire.msg": "support run"}), BOTH
    ),
    "an old run without an operation is the sum of its calls": Layer(
        in_a_run("pydantic-ai", SUM, run_name="agent run"), BOTH, corrected_micro_usd=4200
    ),
    "an old run above a step that is no call": Layer(
        in_a_run(
            "pydantic-ai",
            SUM,
            step(2, 1, "pydantic-ai", gen_ai__operation__name="execute_tool"),
            run_name="agent run",
        ),
        BOTH,
        corrected_micro_usd=4200,
    ),
    "an old run above a step and an agent of its own": Layer(
        in_a_run(
            "pydantic-ai",
            SUM,
            step(2, 1, "pydantic-ai", gen_ai__operation__name="execute_tool"),
            Told(3, 2, "pydantic-ai", "agent run", SUM, 600, 8 * SECOND),
            run_name="agent run",
        ),
        BOTH,
        corrected_micro_usd=8400,
    ),
    "Vercel's root, step and call": Layer(
        (
            Told(1, 0, "ai", "ai.generateText", {"ai.operationId": "ai.generateText", **VERCEL}),
            Told(
                2, 1, "ai", "ai.generateText.doGenerate",
                {"ai.operationId": "ai.generateText.doGenerate", **VERCEL_STEP}, 100, 9000,
            ),
        ),
        ONE,
    ),
    "Vercel 7's root, steps and calls": Layer(
        in_a_run(
            VERCEL_7,
            {**SUM, **RUN, "gen_ai.provider.name": "openai"},
            step(2, 1, VERCEL_7, gen_ai__operation__name="agent_step"),
        ),
        BOTH,
    ),
    "Vercel 7's embeddings, whose root has the operation and no counts": Layer(
        (
            Told(1, 0, VERCEL_7, "embeddings text-embedding-3-small", EMBED),
            Told(
                2, 1, VERCEL_7, "embeddings text-embedding-3-small",
                {**EMBED, "gen_ai.usage.input_tokens": 5000}, 100, 9000,
            ),
        ),
        (Counted("text-embedding-3-small", "priced", 100),),
    ),
    "a run of an hour": Layer(
        (
            Told(1, 0, "pydantic-ai", "agent run", SUM, 0, HOUR),
            Told(8, 1, "pydantic-ai", "chat gpt-4.1", FIRST, 10 * MINUTE, 11 * MINUTE),
            Told(9, 1, "pydantic-ai", "chat gpt-4.1", SECOND_CALL, 58 * MINUTE, 59 * MINUTE),
        ),
        BOTH,
        corrected_micro_usd=4200,
    ),
}  # fmt: skip

TWICE: Final = {
    "a framework and an SDK, both instrumented": Layer(
        (
            Told(1, 0, OPENINFERENCE, "ChatOpenAI", openinference("LLM", 1000, 100)),
            Told(2, 1, OPENAI_V2, "chat gpt-4.1", SDK_CALL, 100, 9000),
        ),
        ONE,
    ),
    "a framework, an SDK and ours, which knows of the cache": Layer(
        (
            Told(1, 0, OPENINFERENCE, "ChatOpenAI", openinference("LLM", 1000, 100)),
            Told(2, 1, TRACELOOP, "openai.chat", SDK_CALL, 100, 9000),
            Told(3, 2, TAXIMETER, "chat gpt-4.1", OURS, 200, 8000),
        ),
        # 200 x $2 + 800 x $0.50 + 100 x $8
        (Counted("gpt-4.1", "priced", 1600),),
        corrected_micro_usd=1200,
    ),
    "pydantic-ai over an instrumented SDK": Layer(
        (
            Told(1, 0, "pydantic-ai", "chat gpt-4.1", {**SDK_CALL, "operation.cost": 0.0028}),
            Told(2, 1, OPENAI_V2, "chat gpt-4.1", SDK_CALL, 100, 9000),
        ),
        ONE,
    ),
    "an old run above calls that a framework and an SDK tell": Layer(
        (
            Told(1, 0, "pydantic-ai", "agent run", SUM),
            Told(2, 1, "pydantic-ai", "chat gpt-4.1", FIRST, 1000, 4000),
            Told(3, 2, OPENAI_V2, "chat gpt-4.1", named(FIRST, 1), 1100, 3900),
            Told(4, 1, "pydantic-ai", "chat gpt-4.1", SECOND_CALL, 5000, 8000),
            Told(5, 4, OPENAI_V2, "chat gpt-4.1", named(SECOND_CALL, 2), 5100, 7900),
        ),
        BOTH,
        corrected_micro_usd=4200,
    ),
    "an SDK and a gateway in one trace": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", SDK_CALL),
            Told(2, 1, LITELLM, "litellm_request", LITELLM_CALL, 100, 9000),
        ),
        ONE,
    ),
    "an SDK and Envoy, which names no response": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", SDK_CALL),
            Told(2, 1, "envoy-ai-gateway", "ChatCompletion", ENVOY, 100, 9000),
        ),
        ONE,
    ),
    "an SDK and a gateway that begins a trace of its own": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", SDK_CALL),
            Told(2, 0, LITELLM, "litellm_request", LITELLM_CALL, 100, 9000, trace=2),
        ),
        ONE,
    ),
    "an SDK, a gateway in a trace of its own, and ours": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", SDK_CALL),
            Told(2, 1, TAXIMETER, "chat gpt-4.1", OURS, 100, 9500),
            Told(3, 0, LITELLM, "litellm_request", LITELLM_CALL, 200, 9000, trace=2),
        ),
        (Counted("gpt-4.1", "priced", 1600),),
        corrected_micro_usd=1200,
    ),
    "a bridge that logs a call under both of its APIs": Layer(
        (
            Told(1, 0, LITELLM, "litellm_request", RESPONSES),
            Told(2, 1, LITELLM, "litellm_request", LITELLM_CALL, 100, 9000),
        ),
        ONE,
    ),
    "a bridge in a trace of its own, behind an SDK and ours": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", SDK_CALL),
            Told(2, 1, TAXIMETER, "chat gpt-4.1", OURS, 50, 9800),
            Told(3, 0, LITELLM, "litellm_request", RESPONSES, 100, 9500, trace=2),
            Told(4, 3, LITELLM, "litellm_request", LITELLM_CALL, 200, 9000, trace=2),
        ),
        (Counted("gpt-4.1", "priced", 1600),),
        corrected_micro_usd=1200,
    ),
    "Kong's two spans of a call that asks for a tool": Layer(
        (
            Told(1, 0, "kong", "kong.gen_ai", KONG),
            Told(2, 0, "kong", "kong.gen_ai", {**KONG, "gen_ai.tool.call.id": "call_1"}),
        ),
        ONE,
    ),
    "two exporters of one span": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", SDK_CALL),
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", SDK_CALL),
        ),
        ONE,
    ),
}  # fmt: skip

ATTEMPTS: Final = {
    "a gateway's failed attempt, then one at another provider": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat smart", SMART),
            Told(2, 1, LITELLM, "chat gpt-4.1", FAILED, 100, 2000, is_error=True),
            Told(3, 1, LITELLM, "chat claude-sonnet-4-5", FALLBACK, 2100, 9000),
        ),
        # Nobody was paid for the 503; 1000 x $3 + 100 x $15 for the answer.
        (Counted("claude-sonnet-4-5", "priced", 4500), Counted("gpt-4.1", "failed", 0)),
    ),
    "a framework's call around a failed attempt and another": Layer(
        (
            Told(1, 0, OPENINFERENCE, "ChatOpenAI", openinference("LLM", 1000, 100)),
            Told(2, 1, OPENAI_V2, "chat gpt-4.1", FAILED, 100, 2000, is_error=True),
            Told(3, 1, OPENAI_V2, "chat gpt-4.1", named(FIRST, 1), 2100, 9000),
        ),
        (Counted("gpt-4.1", "failed", 0), *ONE),
    ),
    "a failed call that a framework and an SDK tell": Layer(
        (
            Told(1, 0, "pydantic-ai", "chat gpt-4.1", FAILED, is_error=True),
            Told(2, 1, OPENAI_V2, "chat gpt-4.1", FAILED, 100, 9000, is_error=True),
        ),
        (Counted("gpt-4.1", "failed", 0),),
    ),
    "a gateway's two attempts that were both billed": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", named(FIRST, 2)),
            Told(2, 1, LITELLM, "chat gpt-4.1", FILTERED, 100, 2000, is_error=True),
            Told(3, 1, LITELLM, "chat gpt-4.1", named(FIRST, 2), 2100, 9000),
        ),
        BOTH,
    ),
    "a tool that calls the same model is a call of its own": Layer(
        (
            Told(1, 0, OPENAI_V2, "chat gpt-4.1", named(FIRST, 1)),
            Told(2, 1, OPENAI_V2, "chat gpt-4.1", named(SECOND_CALL, 2), 100, 9000),
        ),
        BOTH,
    ),
}

LAYERS: Final = {**AGENTS, **TWICE, **ATTEMPTS}
