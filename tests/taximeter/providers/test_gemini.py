"""Google's formats where the recordings leave a question open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taximeter.providers.gemini import (
    CompatibleReader,
    EmbedReader,
    GenerateReader,
    GenerateStreamReader,
    InteractionsReader,
    PredictReader,
)
from tests.taximeter.providers.reading import streamed, whole


def chunk(**usage: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": "x"}]}}], "usageMetadata": usage}


def test_the_last_usage_counts_whole_though_thoughts_stood_in_an_early_one() -> None:
    reader = streamed(
        GenerateReader(),
        chunk(promptTokenCount=5, thoughtsTokenCount=30, totalTokenCount=35),
        chunk(promptTokenCount=5, candidatesTokenCount=9, totalTokenCount=14),
    )
    assert (reader.facts.output_tokens, reader.facts.reasoning_tokens) == (9, None)


def test_a_chunk_is_kept_and_only_the_last_is_read() -> None:
    reader = GenerateReader()
    for output in (1, 2):
        event = json.dumps(chunk(promptTokenCount=5, candidatesTokenCount=output)).encode()
        assert reader.skips(b"data: %s\r\n\r\n" % event)
    assert not reader.facts.is_usage_known
    reader.finish()
    assert (reader.facts.input_tokens, reader.facts.output_tokens) == (5, 2)


def test_a_chunk_after_the_one_with_a_reason_still_counts() -> None:
    finished = {**chunk(promptTokenCount=5), "candidates": [{"finishReason": "STOP"}]}
    last = chunk(promptTokenCount=5, candidatesTokenCount=4)
    reader = streamed(GenerateReader(), finished, last)
    assert (reader.facts.output_tokens, reader.facts.finish_reasons) == (4, {0: "STOP"})


@pytest.mark.parametrize("audio", ["AUDIO", 4])
def test_modalities_have_names_or_numbers(audio: object) -> None:
    usage = {
        "promptTokenCount": 300,
        "cachedContentTokenCount": 100,
        "promptTokensDetails": [{"modality": audio, "tokenCount": 256}],
        "toolUsePromptTokensDetails": [{"modality": audio, "tokenCount": 4}],
        "cacheTokensDetails": [{"modality": audio, "tokenCount": 90}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    }
    facts = whole(GenerateReader(), {"usageMetadata": usage})
    assert (facts.audio_input_tokens, facts.audio_cache_read_tokens) == (260, 90)
    assert facts.image_output_tokens == 1290


def test_prepaid_throughput_is_a_tier() -> None:
    usage = {"promptTokenCount": 1, "trafficType": "PROVISIONED_THROUGHPUT"}
    facts = whole(GenerateReader(), {"usageMetadata": usage})
    assert facts.service_tier == "PROVISIONED_THROUGHPUT"


def test_an_error_instead_of_an_array_is_read() -> None:
    error = [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]
    assert streamed(GenerateStreamReader(), error).facts.error_type == "RESOURCE_EXHAUSTED"


def test_megabytes_of_vectors_are_not_parsed() -> None:
    vectors = ",".join(["0.125"] * 400_000)
    body = '{"embeddings":[{"values":[' + vectors + ']}],"usageMetadata":{"promptTokenCount":3}}'
    reader = EmbedReader()
    reader.read_body(body.encode())
    assert reader.facts.input_tokens == 3


def test_vertex_counts_are_summed_over_a_large_answer_and_may_be_floats() -> None:
    vectors = ",".join(["0.125"] * 20_000)
    one = '{"embeddings":{"values":[' + vectors + '],"statistics":{"token_count":%s}}}'
    reader = PredictReader()
    reader.read_body(('{"predictions":[' + one % 3 + "," + one % "5.0" + "]}").encode())
    assert reader.facts.input_tokens == 8
    small = {"predictions": [{"embeddings": {"statistics": {"token_count": 5.0}}}]}
    assert whole(PredictReader(), small).input_tokens == 5


def test_the_endpoint_in_openai_s_format_hides_thinking_in_the_total() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 44}
    facts = whole(CompatibleReader(), {"model": "gemini-2.5-flash", "usage": usage})
    assert (facts.output_tokens, facts.reasoning_tokens) == (34, 30)


def test_an_interaction_s_stream_ends_with_its_usage() -> None:
    usage = {"total_input_tokens": 9, "total_output_tokens": 2, "total_thought_tokens": 3}
    search = [{"type": "google_search", "count": 2}]
    reader = streamed(
        InteractionsReader(),
        {"event_type": "content.delta", "delta": {"text": '"usage"'}},
        {
            "event_type": "interaction.completed",
            "interaction": {"id": "i", "usage": {**usage, "grounding_tool_count": search}},
        },
    )
    facts = reader.facts
    assert (facts.input_tokens, facts.output_tokens, facts.web_search_requests) == (9, 5, 2)
    assert reader.is_finished
