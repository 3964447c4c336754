"""Which spans are calls: the rules in their order, and the operations that are none."""

from __future__ import annotations

from typing import Any

import pytest

from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.decoded import Rejected
from taximeter_processor.ingest.otlp import JSON, Decoder
from taximeter_processor.model import Call, NotACall
from tests.support.otlp import NOW_NS, json_body, json_span
from tests.taximeter_processor.ingest.reading import call_of, read, reason_of

USED = {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 50,
    "gen_ai.usage.output_tokens": 5,
}
CHAT = {"gen_ai.operation.name": "chat", **USED}


@pytest.mark.parametrize(
    ("operation", "meant"),
    [
        ("chat", "chat"),
        ("Chat", "chat"),
        ("text_completion", "text_completion"),
        ("generate_content", "generate_content"),
        ("embeddings", "embeddings"),
        ("completion", "chat"),
        ("acompletion", "chat"),
        ("responses", "chat"),
        ("aresponses", "chat"),
        ("anthropic_messages", "chat"),
        ("atext_completion", "text_completion"),
        ("agenerate_content", "generate_content"),
        ("generate_content_stream", "generate_content"),
        ("agenerate_content_stream", "generate_content"),
        ("embedding", "embeddings"),
        ("aembedding", "embeddings"),
    ],
)
def test_an_inference_is_a_call_whatever_its_emitter_calls_it(operation: str, meant: str) -> None:
    assert call_of({**USED, "gen_ai.operation.name": operation}).operation == meant


@pytest.mark.parametrize(
    "operation",
    [
        "invoke_agent",
        "invoke_workflow",
        "agent_step",
        "handle_conversation_turn",
        "plan",
        "chain",
    ],
)
def test_what_sums_other_spans_is_no_call(operation: str) -> None:
    assert reason_of({**USED, "gen_ai.operation.name": operation}) == "aggregate"


@pytest.mark.parametrize(
    "operation",
    [
        "create_agent",
        "execute_tool",
        "fetch_response",
        "retrieval",
        "tokenize",
        "moderation",
        "create_memory",
        "update_memory",
        "upsert_memory",
        "delete_memory",
        "search_memory",
        "create_memory_store",
        "delete_memory_store",
        "aget_responses",
        "cancel_responses",
        "litellm.moderation",
        "litellm.responses_management",
    ],
)
def test_what_owes_nothing_by_itself_is_no_call(operation: str) -> None:
    assert reason_of({**USED, "gen_ai.operation.name": operation}) == "not_inference"


PAID_OTHERWISE = ["image_generation", "speech", "transcription", "translation", "rerank", "ocr"]


@pytest.mark.parametrize(
    ("told", "operation"),
    [
        ("aimage_generation", "image_generation"),
        ("aspeech", "speech"),
        ("atranscription", "transcription"),
        ("arerank", "rerank"),
        ("aocr", "ocr"),
        ("image", "image_generation"),
        ("audio", "audio"),
        ("Speech", "speech"),
    ],
)
def test_other_names_of_what_is_not_paid_by_tokens_mean_the_same(told: str, operation: str) -> None:
    assert call_of({"gen_ai.operation.name": told}).operation == operation


@pytest.mark.parametrize("operation", PAID_OTHERWISE)
def test_what_is_not_paid_by_tokens_is_a_call_whose_usage_is_missing(operation: str) -> None:
    attributes = {"gen_ai.operation.name": operation, "gen_ai.request.model": "m"}
    call = call_of(attributes)
    assert (call.operation, call.usage_status) == (operation, "missing")
    # LiteLLM writes counts of 0 beside it: they say nothing about what was paid for.
    zero = {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}
    assert call_of({**attributes, **zero}).usage_status == "missing"


@pytest.mark.parametrize("operation", PAID_OTHERWISE)
def test_tokens_of_an_operation_that_is_not_paid_by_text_are_not_guessed_at(operation: str) -> None:
    assert reason_of({**USED, "gen_ai.operation.name": operation}) == "unclassifiable"


def test_a_search_is_billed_where_its_units_are_told() -> None:
    call = call_of({"gen_ai.operation.name": "rerank", "taximeter.usage.search_units": 1})
    assert (call.usage.search_units, call.usage_status) == (1, "reported")


@pytest.mark.parametrize(
    "told",
    [
        {"gen_ai.usage.input_tokens": 1},
        {"gen_ai.usage.output_tokens": "1"},
        {"ai.usage.tokens": 1},
        {"gen_ai.usage.cache_read.input_tokens": 1},
        {"gen_ai.usage.cost": 0.01},
        {"litellm.cost.total": 0.01},
    ],
    ids=lambda told: next(iter(told)),
)
def test_money_under_an_unknown_operation_is_refused_so_that_it_shows(told: dict[str, Any]) -> None:
    assert reason_of({"gen_ai.operation.name": "dream", **told}) == "unclassifiable"


def test_usage_under_an_unknown_operation_above_calls_is_their_sum() -> None:
    crew = json_span(1, {**USED, "gen_ai.operation.name": "kickoff"})
    step = json_span(2, {"name": "step"}, **_below(1))
    chat = json_span(3, CHAT, **_below(2))
    other = json_span(4, {**USED, "gen_ai.operation.name": "dream"}, **_below(1))
    assert [type(found) for found in _read_all(crew, step, chat, other)] == [
        NotACall, NotACall, Call, Rejected,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "below",
    [
        {"gen_ai.operation.name": "execute_tool", **USED},
        {"gen_ai.operation.name": "chat"},
        {**CHAT, "gen_ai.usage.input_tokens": -1},
        {"gen_ai.operation.name": "dream", **USED},
    ],
    ids=["tool", "no usage", "refused", "unknown too"],
)
def test_it_is_refused_where_nothing_below_it_tells_that_usage(below: dict[str, Any]) -> None:
    unknown = json_span(1, {**USED, "gen_ai.operation.name": "dream"})
    found, _ = _read_all(unknown, json_span(2, below, **_below(1)))
    assert isinstance(found, Rejected)


def test_spans_that_are_above_each_other_do_not_hang() -> None:
    one = json_span(1, {**USED, "gen_ai.operation.name": "dream"}, **_below(2))
    two = json_span(2, CHAT, **_below(1))
    assert [type(found) for found in _read_all(one, two)] == [NotACall, Call]


def _below(number: int) -> dict[str, str]:
    return {"traceId": f"{1:032x}", "parentSpanId": f"{number:016x}"}


def _read_all(*spans: dict[str, Any]) -> list[Call | NotACall | Rejected]:
    decoded = Decoder().decode(json_body(*spans, scope="x"), JSON, NOW_NS)
    return list(CallReader().read_all(decoded.spans))


@pytest.mark.parametrize(
    "told",
    [{}, {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}],
    ids=["none", "zero"],
)
def test_an_unknown_operation_that_used_nothing_is_no_call(told: dict[str, Any]) -> None:
    assert reason_of({"gen_ai.operation.name": "dream", **told}) == "not_inference"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({**USED}, "chat"),
        ({"llm.request.type": "chat"}, "chat"),
        ({"llm.request.type": "completion"}, "chat"),
        ({"llm.request.type": "embedding", "gen_ai.usage.prompt_tokens": 7}, "embeddings"),
        ({"llm.request.type": "unknown", **USED}, "chat"),
        ({"llm.usage.prompt_tokens": 7, "llm.request.model": "gpt-4"}, "chat"),
    ],
)
def test_without_an_operation_usage_and_a_model_or_the_request_s_type_make_a_call(
    attributes: dict[str, Any], expected: str
) -> None:
    assert call_of(attributes).operation == expected


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.request.model": "gpt-4o"},
        {"gen_ai.usage.input_tokens": 5},
        {"gen_ai.system": "openai", "server.address": "api.openai.com"},
        {"gen_ai.aggregated_usage.input_tokens": 50, "gen_ai.request.model": "gpt-4o"},
    ],
)
def test_a_model_alone_or_usage_alone_prove_nothing(attributes: dict[str, Any]) -> None:
    assert reason_of(attributes) == "not_genai"


@pytest.mark.parametrize(
    ("mark", "kinds"),
    [
        (
            "openinference.span.kind",
            {
                "LLM": "chat",
                "llm": "chat",
                "EMBEDDING": "embeddings",
                **dict.fromkeys(
                    (
                        "CHAIN",
                        "AGENT",
                        "TOOL",
                        "RETRIEVER",
                        "RERANKER",
                        "GUARDRAIL",
                        "EVALUATOR",
                        "PROMPT",
                        "UNKNOWN",
                    ),
                    "aggregate",
                ),
            },
        ),
        (
            "traceloop.span.kind",
            {
                **dict.fromkeys(("workflow", "task", "agent", "tool"), "aggregate"),
                "unknown": "chat",
            },
        ),
        (
            "langsmith.span.kind",
            {
                "llm": "chat",
                "embedding": "embeddings",
                **dict.fromkeys(("chain", "tool", "retriever", "prompt", "parser"), "aggregate"),
            },
        ),
        (
            "langfuse.observation.type",
            {
                "generation": "chat",
                "embedding": "embeddings",
                **dict.fromkeys(("span", "event", "agent", "tool", "chain"), "aggregate"),
            },
        ),
        (
            "ai.operationId",
            {
                "ai.generateText.doGenerate": "chat",
                "ai.streamText.doStream": "chat",
                "ai.generateObject.doGenerate": "chat",
                "ai.streamObject.doStream": "chat",
                "ai.embed.doEmbed": "embeddings",
                "ai.embedMany.doEmbed": "embeddings",
                **dict.fromkeys(
                    (
                        "ai.generateText",
                        "ai.streamText",
                        "ai.generateObject",
                        "ai.streamObject",
                        "ai.embed",
                        "ai.embedMany",
                        "ai.toolCall",
                    ),
                    "aggregate",
                ),
            },
        ),
        (
            "genkit:metadata:subtype",
            {"model": "chat", **dict.fromkeys(("flow", "tool", "embedder"), "aggregate")},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_dialect_s_own_mark_decides_before_the_operation(
    mark: str, kinds: dict[str, str]
) -> None:
    found = {kind: read({**CHAT, mark: kind}, scope="x") for kind in kinds}
    assert {
        kind: call.operation if isinstance(call, Call) else call.reason
        for kind, call in found.items()
    } == kinds


@pytest.mark.parametrize("kind", ["llm", "embedding"])
def test_langsmith_s_kind_makes_a_call_of_an_operation_that_nobody_knows(kind: str) -> None:
    assert isinstance(
        read({**USED, "langsmith.span.kind": kind, "gen_ai.operation.name": "dream"}), Call
    )


def test_an_unknown_kind_of_openllmetry_hands_on_to_the_next_mark() -> None:
    marks = {"traceloop.span.kind": "unknown", "langfuse.observation.type": "span"}
    assert reason_of({**CHAT, **marks}) == "aggregate"


NEVER = [
    "litellm.guardrail.name",
    "litellm.guardrail.cost_in_spend",
    "litellm.service.name",
    "mcp.method.name",
    "db.system.name",
    "db.system",
]


@pytest.mark.parametrize("mark", NEVER)
@pytest.mark.parametrize(
    "beside",
    [
        {"gen_ai.operation.name": "chat"},
        {"gen_ai.operation.name": "chat", "litellm.provider.model": "openai/gpt-4o"},
        {"gen_ai.operation.name": "chat", "gen_ai.usage.raw": "{}"},
        {"gcp.vertex.agent.llm_request": "{}"},
        {"traceloop.span.kind": "unknown"},
    ],
    ids=["otel", "litellm", "logfire", "adk", "openllmetry"],
)
def test_what_baggage_puts_on_the_spans_around_a_call_makes_none_of_them(
    mark: str, beside: dict[str, str]
) -> None:
    assert reason_of({**USED, mark: "x", **beside}) == "not_inference"


@pytest.mark.parametrize("beside", [{}, {"litellm.provider.model": "openai/gpt-4o"}])
def test_litellm_s_raw_dump_repeats_a_call(beside: dict[str, str]) -> None:
    assert reason_of({**CHAT, **beside}, name="raw_gen_ai_request") == "raw_dump"


def test_a_dialect_s_mark_decides_before_what_surrounds_calls() -> None:
    assert (
        call_of({**CHAT, "openinference.span.kind": "LLM", "db.system": "x"}).provider == "openai"
    )


def test_vercel_s_span_is_known_by_its_name_where_its_operation_is_not_told() -> None:
    assert call_of({**USED}, name="ai.generateText.doGenerate f", scope="ai").operation == "chat"
    assert reason_of({**USED}, name="ai.generateText f", scope="ai") == "aggregate"
