"""An imported call looks as if it had been watched live, and is the same span every time."""

from __future__ import annotations

from opentelemetry.sdk.resources import Resource

from taximeter.providers.base import Facts
from taximeter_processor.importers.answers import Answer, Api
from taximeter_processor.importers.openai_batch import read
from taximeter_processor.importers.spans import to_otlp, to_spans
from taximeter_processor.ingest.otlp import PROTOBUF, Decoder
from taximeter_processor.model import Span
from tests.taximeter_processor.importers.batches import CHAT, EMBEDDINGS, openai_line

RESOURCE = Resource({"service.name": "taximeter-import", "deployment.environment.name": "prod"})
START_NS = 1_795_000_000_000_000_000


def spans(line: bytes) -> list[Span]:
    answer = read(line)
    assert isinstance(answer, Answer)
    return to_spans(answer, line, START_NS, RESOURCE)


def one(line: bytes) -> Span:
    (span,) = spans(line)
    return span


def test_it_has_the_attributes_of_a_live_call() -> None:
    span = one(openai_line(CHAT))
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini-2025-08-07",
        "gen_ai.response.model": "gpt-5-mini-2025-08-07",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 1312,
        "gen_ai.usage.output_tokens": 84,
        "gen_ai.usage.cache_read.input_tokens": 1152,
        "gen_ai.usage.reasoning.output_tokens": 64,
        "server.address": "api.openai.com",
        "server.port": 443,
        "taximeter.service_tier": "batch",
        "taximeter.usage_status": "reported",
    }
    assert (span.name, span.scope) == ("chat gpt-5-mini-2025-08-07", "taximeter")


def test_the_processor_decodes_what_was_encoded() -> None:
    sent = spans(openai_line(CHAT)) + spans(openai_line(EMBEDDINGS))
    decoded = Decoder().decode(to_otlp(sent, RESOURCE), PROTOBUF, START_NS)
    assert [span[:8] for span in decoded.spans] == [
        span._replace(attributes=seen.attributes)[:8]
        for span, seen in zip(sent, decoded.spans, strict=True)
    ]
    assert [dict(span.resource) for span in decoded.spans] == [dict(RESOURCE.attributes)] * 2


def test_a_response_id_is_the_same_call_on_whatever_line_it_stands() -> None:
    first, again = one(openai_line(CHAT)), one(openai_line(CHAT, custom_id="another"))
    assert first[:6] == again[:6]


def test_another_response_id_is_another_call() -> None:
    first, other = one(openai_line(CHAT)), one(openai_line({**CHAT, "id": "chatcmpl-2"}))
    assert (first.trace_id, first.span_id) != (other.trace_id, other.span_id)


def test_without_a_response_id_the_request_s_own_name_and_line_are_the_call() -> None:
    line, other = openai_line(EMBEDDINGS), openai_line(EMBEDDINGS, custom_id="another")
    assert one(line).span_id == one(line).span_id
    assert one(line).span_id != one(other).span_id


def test_usage_at_another_model_s_price_is_a_span_of_its_own_in_the_same_trace() -> None:
    part = Facts(response_model="gpt-5", input_tokens=3, output_tokens=4)
    whole = Facts(response_model="gpt-5-mini", response_id="r", input_tokens=1, parts=[part])
    answer = Answer(Api("openai", "api.openai.com"), "chat", whole, "a")
    mine, other = to_spans(answer, b"", START_NS, RESOURCE)
    assert mine.trace_id == other.trace_id
    assert mine.span_id != other.span_id
    assert other.attributes["gen_ai.usage.output_tokens"] == 4
    assert other.attributes["gen_ai.request.model"] == "gpt-5"
