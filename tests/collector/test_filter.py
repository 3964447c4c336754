"""Which spans reach the money path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support import vectors
from tests.support.collector import Collector
from tests.support.otlp_sink import (
    OtlpSink,
    attributes_of,
    export_request,
    post,
    span,
)

VECTORS = {vector["id"]: vector for vector in vectors.VECTORS}
JSON_WITH_CONVERSATION = {
    "ai.response.providerMetadata",
    "embedding.invocation_parameters",
    "gcp.vertex.agent.llm_response",
    "genkit:output",
    "llm.invocation_parameters",
}
CONTENT = {"input.value", "output.value"}
CHAT: Mapping[str, Any] = {"gen_ai.operation.name": "chat"}
UNRELATED: Mapping[str, Mapping[str, Any]] = {
    "http server": {"http.request.method": "POST", "url.path": "/chat", "user.id": "u1"},
    "http client": {"http.request.method": "POST", "server.address": "api.openai.com"},
    "database": {"db.system.name": "postgresql", "db.query.text": "select 'gen_ai.usage.'"},
    "database below a gateway": {"db.system.name": "redis", "gen_ai.request.model": "gpt-5"},
    "model context protocol": {"mcp.method.name": "tools/list"},
    "bare": {},
}
TAXIMETER_ONLY: Mapping[str, Any] = {"taximeter.feature": "search"}


@pytest.fixture(scope="module")
def delivered(collector: Collector, sink: OtlpSink) -> dict[str, dict[str, Any]]:
    """Every vector sent through the Collector: vector id to the attributes that arrived."""
    sent = {name: _send(collector.url, vector) for name, vector in VECTORS.items()}
    return {name: attributes_of(sink.arrival_of(vector)) for name, vector in sent.items()}


def test_no_vector_is_named_twice() -> None:
    assert len(VECTORS) == len(vectors.VECTORS) > 52


@pytest.mark.parametrize("name", VECTORS)
def test_a_span_of_every_dialect_passes_with_its_numbers_and_tags(
    name: str, delivered: dict[str, dict[str, Any]]
) -> None:
    expected = {
        key: value
        for key, value in VECTORS[name]["attributes"].items()
        if key not in JSON_WITH_CONVERSATION | CONTENT
    }
    received = {
        key: value for key, value in delivered[name].items() if key not in JSON_WITH_CONVERSATION
    }
    assert received == expected


@pytest.mark.parametrize("name", UNRELATED)
def test_an_unrelated_span_is_dropped(name: str, collector: Collector, sink: OtlpSink) -> None:
    unrelated, call = span(UNRELATED[name]), span(CHAT)
    post(collector.url, export_request([unrelated, call]))
    sink.arrival_of(call)
    assert unrelated.span_id not in sink.span_ids


def test_any_taximeter_attribute_keeps_a_span(collector: Collector, sink: OtlpSink) -> None:
    tagged = span(TAXIMETER_ONLY)
    post(collector.url, export_request([tagged]))
    assert attributes_of(sink.arrival_of(tagged)) == TAXIMETER_ONLY


def test_a_tag_on_the_resource_keeps_no_unrelated_span(
    collector: Collector, sink: OtlpSink
) -> None:
    unrelated, call = span(UNRELATED["http server"]), span(CHAT)
    post(collector.url, export_request([unrelated, call], resource=TAXIMETER_ONLY))
    sink.arrival_of(call)
    assert unrelated.span_id not in sink.span_ids


def test_a_request_without_a_genai_span_is_acknowledged(collector: Collector) -> None:
    assert post(collector.url, export_request([span(UNRELATED["http server"])])) == 200


def _send(url: str, vector: Mapping[str, Any]) -> Span:
    sent = span(vector["attributes"], name=vector["span_name"])
    request = export_request([sent], scope=vector["scope"] or "", resource=vector["resource"])
    assert post(url, request) == 200
    return sent
