"""What people and models said stays out; numbers, tags and names come through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from taximeter_processor.ingest.dialects import MARKED, SPAN_KEYS
from tests.support.collector import Collector
from tests.support.otlp_sink import OtlpSink, attributes_of, export_request, post, span

SECRET = "my blood type is AB negative"
KEPT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.prompt.name": "triage",
    "gen_ai.prompt.version": "3",
    "gen_ai.usage.raw": '{"input_tokens": 12, "cache_read_input_tokens": 4}',
    "gen_ai.usage.input_token_details": "{'audio': 0, 'cache_read': 128}",
    "llm.token_count.prompt": 12,
    "llm.token_count.completion": 5,
    "metadata": '{"tenant": "acme"}',
    "taximeter.feature": "triage",
    "taximeter.tenant": "acme",
}
CONTENT_KEYS = [
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.prompt.0.content",
    "gen_ai.completion.0.content",
    "gen_ai.completion.0.tool_calls.0.arguments",
    "gen_ai.content.prompt",
    "gen_ai.content.completion",
    "gen_ai.retrieval.query.text",
    "llm.input_messages.0.message.content",
    "llm.output_messages.0.message.content",
    "llm.prompts.0.prompt.text",
    "llm.prompt_template.variables",
    "llm.tools.0.tool.json_schema",
    "llm.request.functions.0.name",
    "input.value",
    "output.value",
    "embedding.embeddings.0.embedding.text",
    "retrieval.documents.0.document.content",
    "traceloop.entity.input",
    "traceloop.entity.output",
    "traceloop.prompt.template",
    "ai.prompt",
    "ai.prompt.messages",
    "ai.prompt.tools",
    "ai.response.text",
    "ai.response.toolCalls",
    "ai.response.object",
    "ai.response.reasoning",
    "ai.values",
    "ai.toolCall.args",
    "ai.toolCall.result",
    "ai.request.headers.authorization",
    "langfuse.observation.input",
    "langfuse.observation.output",
    "langfuse.trace.input",
    "langfuse.trace.output",
    "genkit:input",
    "gcp.vertex.agent.tool_call_args",
    "gcp.vertex.agent.tool_response",
    "request_data",
    "response_data",
    "all_messages_events",
    "pydantic_ai.all_messages",
    "tool_arguments",
    "tool_response",
    "exception.message",
]
REDUCED = [
    (
        "genkit:output",
        {"message": {"content": [{"text": SECRET}]}, "usage": {"inputTokens": 120}},
        {"usage": {"inputTokens": 120}},
    ),
    (
        "gcp.vertex.agent.llm_response",
        {"content": {"text": SECRET}, "usage_metadata": {"cached_content_token_count": 64}},
        {"usage_metadata": {"cached_content_token_count": 64}},
    ),
    (
        "ai.response.providerMetadata",
        {
            "anthropic": {"cacheCreationInputTokens": 2089, "container": SECRET},
            "bedrock": {"usage": {"cacheReadInputTokens": 7}, "trace": SECRET},
            "openai": {"cachedPromptTokens": 1024, "logprobs": [SECRET]},
            "google": {"usageMetadata": {"thoughtsTokenCount": 9}, "groundingMetadata": SECRET},
            "deepseek": {"promptCacheHitTokens": 64, "note": SECRET},
            "xai": {"cachedPromptTokens": 2545, "note": SECRET},
            "openrouter": {"usage": {"cost": 0.1}, "reasoning": SECRET},
            "gateway": {"cost": "0.1", "routing": SECRET},
            "unheard-of": {"cachedPromptTokens": 1, "note": SECRET},
        },
        {
            "anthropic": {"cacheCreationInputTokens": 2089},
            "bedrock": {"usage": {"cacheReadInputTokens": 7}},
            "openai": {"cachedPromptTokens": 1024},
            "google": {"usageMetadata": {"thoughtsTokenCount": 9}},
            "deepseek": {"promptCacheHitTokens": 64},
            "xai": {"cachedPromptTokens": 2545},
            "openrouter": {"usage": {"cost": 0.1}},
            "gateway": {"cost": "0.1"},
        },
    ),
    (
        "llm.invocation_parameters",
        {"model": "gpt-5", "tools": [SECRET], "stop": SECRET},
        {"model": "gpt-5"},
    ),
    (
        "embedding.invocation_parameters",
        {"model": "text-embedding-3-small", "input": SECRET},
        {"model": "text-embedding-3-small"},
    ),
]
JSON_KEYS = [key for key, _, _ in REDUCED]


def test_content_is_gone_and_numbers_and_tags_are_untouched(
    collector: Collector, sink: OtlpSink
) -> None:
    sent = {**KEPT, **dict.fromkeys(CONTENT_KEYS, SECRET)}
    assert attributes_of(_through(collector, sink, span(sent))) == KEPT


@pytest.mark.parametrize(
    ("key", "left"), [("gcp.vertex.agent.llm_request", "{}"), ("db.statement", "")]
)
def test_content_whose_presence_means_something_is_emptied(
    key: str, left: str, collector: Collector, sink: OtlpSink
) -> None:
    received = _through(collector, sink, span({**KEPT, key: SECRET}))
    assert attributes_of(received) == {**KEPT, key: left}


def test_events_and_the_status_message_are_gone(collector: Collector, sink: OtlpSink) -> None:
    sent = span(KEPT)
    sent.events.add(name="gen_ai.content.prompt").attributes.add(key="gen_ai.prompt")
    sent.events.add(name="")
    sent.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=SECRET))
    received = _through(collector, sink, sent)
    assert len(received.events) == 0
    assert received.status == Status(code=Status.STATUS_CODE_ERROR)


@pytest.mark.parametrize(("key", "sent", "kept"), REDUCED, ids=JSON_KEYS)
def test_json_that_holds_counts_and_content_keeps_the_counts(
    key: str, sent: object, kept: object, collector: Collector, sink: OtlpSink
) -> None:
    received = _through(collector, sink, span({**KEPT, key: json.dumps(sent)}))
    assert json.loads(str(attributes_of(received)[key])) == kept


@pytest.mark.parametrize("value", [SECRET, '{"message": "my blood', '"text"', "[1]", "{}"])
def test_json_that_is_broken_or_without_counts_keeps_nothing(
    value: str, collector: Collector, sink: OtlpSink
) -> None:
    received = attributes_of(
        _through(collector, sink, span({**KEPT, **dict.fromkeys(JSON_KEYS, value)}))
    )
    assert {key: received[key] for key in JSON_KEYS} == dict.fromkeys(JSON_KEYS, "{}")


def test_text_nobody_knows_is_cut_at_4096_bytes(collector: Collector, sink: OtlpSink) -> None:
    received = _through(collector, sink, span({**KEPT, "my.own.note": "x" * 10_000}))
    assert attributes_of(received)["my.own.note"] == "x" * 4096


def test_every_attribute_the_processor_reads_comes_through(
    collector: Collector, sink: OtlpSink
) -> None:
    received = _through(collector, sink, span(dict.fromkeys(SPAN_KEYS, "1")))
    assert attributes_of(received).keys() == SPAN_KEYS


@pytest.mark.parametrize("mark", sorted(MARKED))
def test_the_mark_of_every_dialect_alone_keeps_a_span(
    mark: str, collector: Collector, sink: OtlpSink
) -> None:
    # A document without content: of others, only what is counted is left.
    assert attributes_of(_through(collector, sink, span({mark: "{}"}))) == {mark: "{}"}


def _through(collector: Collector, sink: OtlpSink, sent: Span) -> Span:
    assert post(collector.url, export_request([sent])) == 200
    return sink.arrival_of(sent)
