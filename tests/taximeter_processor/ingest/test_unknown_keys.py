"""What may count something billable and nobody reads is counted by its name, for every emitter."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from taximeter_processor.ingest.decoded import MOST_UNKNOWN_KEYS
from taximeter_processor.ingest.dialects import SPAN_KEYS
from taximeter_processor.ingest.dialects.base import IGNORED_USAGE_KEYS
from taximeter_processor.ingest.otlp import JSON, PROTOBUF, Decoder
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span, proto_span, protobuf

UNREAD = (
    "gen_ai.usage.video.input_tokens",
    "gen_ai.usage.details.rejected_prediction_tokens",
    "gen_ai.usage.prompt_tokens_details.video_tokens",
    "llm.usage.search_queries",
    "llm.token_count.prompt_details.video",
    "ai.usage.inputTokenDetails.videoTokens",
    "ai.usage.raw",
    "langfuse.observation.usage_unit",
    "litellm.usage.images",
    "taximeter.usage.fine_tuned_minutes",
    "aws.bedrock.guardrail.usage",
    "acme.token_count",
)
QUIET = (
    *sorted(IGNORED_USAGE_KEYS),
    "gen_ai.aggregated_usage.cache_read.input_tokens",
    "gen_ai.request.temperature",
    "ai.settings.maxOutputTokens",
    "x" * 129 + "usage",
    "usage\x00",
)


def unknown(attributes: dict[str, Any], content_type: str) -> Counter[str]:
    if content_type == JSON:
        body = json_body(json_span(1, attributes))
    else:
        body = protobuf(proto_span(1, attributes))
    return Decoder().decode(body, content_type, NOW_NS).unknown_usage_keys


each_encoding = pytest.mark.parametrize("content_type", [JSON, PROTOBUF])


@each_encoding
@pytest.mark.parametrize("value", [7, 7.5, "7", True, ["7"]], ids=repr)
@pytest.mark.parametrize("key", UNREAD)
def test_an_unread_count_is_counted_by_its_name(key: str, value: object, content_type: str) -> None:
    assert unknown({**CHAT, key: value}, content_type) == {key: 1}


@each_encoding
@pytest.mark.parametrize("key", [*QUIET, *sorted(key for key in SPAN_KEYS if "usage" in key)])
def test_what_is_read_or_left_out_on_purpose_is_not(key: str, content_type: str) -> None:
    assert unknown({**CHAT, key: 7}, content_type) == {}


@each_encoding
def test_it_is_counted_every_time(content_type: str) -> None:
    decoder = Decoder()
    for _ in range(3):
        spans = [proto_span(number, {"acme.usage": number}) for number in range(1, 5)]
        body = protobuf(*spans)
        if content_type == JSON:
            body = json_body(*(json_span(number, {"acme.usage": number}) for number in range(1, 5)))
        assert decoder.decode(body, content_type, NOW_NS).unknown_usage_keys == {"acme.usage": 4}


@each_encoding
def test_so_many_names_are_told_apart_and_the_others_are_one(content_type: str) -> None:
    many = {f"acme.usage.{number}": 1 for number in range(MOST_UNKNOWN_KEYS + 50)}
    counted = unknown(many, content_type)
    assert len(counted) == MOST_UNKNOWN_KEYS + 1
    assert counted["other"] == 50
