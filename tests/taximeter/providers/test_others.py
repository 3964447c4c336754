"""Cohere, Mistral, Ollama and what others add to OpenAI's format, beyond the recordings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from taximeter.providers.base import Facts
from taximeter.providers.cohere import CohereReader
from taximeter.providers.mistral import ConversationsReader, OcrReader
from taximeter.providers.ollama import OllamaReader
from taximeter.providers.openai import ChatReader, ResponsesReader, TranscriptionReader
from tests.taximeter.providers.reading import streamed, whole
from tests.taximeter.providers.test_recordings import facts_of
from tests.taximeter.replay import recording


def chat(**usage: Any) -> Facts:
    return whole(ChatReader(), {"model": "m", "usage": usage})


def test_cohere_bills_other_tokens_than_it_processes() -> None:
    for name, billed in (("cohere-chat-json", (5, 9)), ("cohere-chat-stream", (6, 4))):
        facts = facts_of(recording(name), 37)
        assert (facts.billed_input_tokens, facts.billed_output_tokens) == billed


def test_cohere_counts_written_as_floats_are_counts() -> None:
    units = {"billed_units": {"input_tokens": 5.0, "output_tokens": 2.0}}
    facts = whole(CohereReader(), {"meta": units})
    assert (facts.input_tokens, facts.output_tokens) == (5, 2)


def test_a_rerank_is_billed_by_search_units() -> None:
    facts = whole(CohereReader(), {"id": "r", "meta": {"billed_units": {"search_units": 1}}})
    assert facts.search_units == 1
    assert facts.is_usage_known


def test_embedded_images_are_billed_input() -> None:
    units = {"billed_units": {"input_tokens": 2, "image_tokens": 30}}
    facts = whole(CohereReader(), {"meta": units})
    assert (facts.input_tokens, facts.image_input_tokens) == (32, 30)


def test_cohere_s_first_chat_api_streams_lines() -> None:
    response = {"meta": {"billed_units": {"input_tokens": 3, "output_tokens": 4}}}
    facts = streamed(
        CohereReader(),
        {"event_type": "stream-start", "generation_id": "g"},
        {"event_type": "text-generation", "text": "message-end"},
        {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": response},
    ).facts
    assert (facts.response_id, facts.input_tokens, facts.output_tokens) == ("g", 3, 4)
    assert facts.finish_reasons == {0: "COMPLETE"}


def test_mistral_bills_sound_by_the_second() -> None:
    assert chat(prompt_tokens=3, prompt_audio_seconds=12).audio_seconds == 12


def test_connectors_tokens_are_input() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "connector_tokens": 100}
    done = {"type": "conversation.response.done", "usage": usage}
    assert streamed(ConversationsReader(), done).facts.input_tokens == 110
    assert whole(ConversationsReader(), {"usage": usage}).input_tokens == 110


def test_ocr_is_billed_by_the_page() -> None:
    assert whole(OcrReader(), {"pages": [], "usage_info": {"pages_processed": 4}}).pages == 4


def test_a_prompt_that_ollama_had_cached_is_unknown_and_not_zero() -> None:
    facts = whole(OllamaReader(), {"model": "m", "done": True, "eval_count": 3})
    assert (facts.input_tokens, facts.output_tokens) == (None, 3)


def test_a_large_embedding_of_ollama_is_read_from_its_ends() -> None:
    vectors = ",".join(["0.125"] * 400_000)
    body = '{"model":"m","embeddings":[[' + vectors + ']],"total_duration":1,"prompt_eval_count":8}'
    reader = OllamaReader()
    reader.read_body(body.encode())
    assert (reader.facts.response_model, reader.facts.input_tokens) == ("m", 8)


def test_a_compound_system_s_models_are_billed_each() -> None:
    breakdown = {
        "models": [
            {"model": "a", "usage": {"prompt_tokens": 5, "completion_tokens": 1}},
            {"model": "b", "usage": {"prompt_tokens": 7, "completion_tokens": 2}},
        ]
    }
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    body = {"model": "groq/compound", "usage": usage, "usage_breakdown": breakdown}
    facts = whole(ChatReader(), body)
    assert (facts.response_model, facts.input_tokens, facts.output_tokens) == ("a", 5, 1)
    (part,) = facts.parts
    assert (part.response_model, part.input_tokens, part.output_tokens) == ("b", 7, 2)


def test_groq_s_two_copies_of_usage_are_counted_once() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1}
    facts = whole(ChatReader(), {"usage": usage, "x_groq": {"usage": usage}})
    assert (facts.input_tokens, facts.output_tokens) == (5, 1)


def test_with_the_customer_s_own_key_the_upstream_bill_is_kept_beside_the_fee() -> None:
    facts = facts_of(recording("openrouter-chat-stream"), 37)
    assert facts.reported_cost_usd == Decimal("0.000036")
    assert facts.upstream_cost_usd == Decimal("0.00072")


def test_cached_input_above_the_input_was_left_out_of_it() -> None:
    facts = chat(prompt_tokens=10, prompt_tokens_details={"cached_tokens": 90})
    assert (facts.input_tokens, facts.cache_read_tokens) == (100, 90)


def test_a_picture_a_hosted_tool_drew_is_billed_at_the_tool_s_model() -> None:
    drawn = {"input_tokens": 20, "output_tokens": 1000, "total_tokens": 1020, "cached_tokens": 4}
    body = {
        "id": "resp_1",
        "model": "gpt-5",
        "usage": {"input_tokens": 5, "output_tokens": 6},
        "tools": [{"type": "image_generation", "model": "gpt-image-1"}],
        "tool_usage": {"image_gen": drawn, "web_search": {"num_requests": 0}},
    }
    facts = whole(ResponsesReader(), body)
    assert (facts.input_tokens, facts.output_tokens) == (5, 6)
    (part,) = facts.parts
    assert (part.response_model, part.response_id) == ("gpt-image-1", "resp_1")
    assert (part.input_tokens, part.output_tokens, part.cache_read_tokens) == (20, 1000, 4)


def test_a_transcription_billed_by_time_tells_its_begun_seconds() -> None:
    body = {"text": "x", "usage": {"type": "duration", "seconds": 8.2}}
    assert whole(TranscriptionReader(), body).audio_seconds == 9
    assert whole(TranscriptionReader(), {"text": "x", "duration": 8.0}).audio_seconds == 8


def test_a_transcription_as_text_has_no_usage_and_is_no_fault() -> None:
    reader = TranscriptionReader()
    reader.read_body(b"1\n00:00:00,000 --> 00:00:02,000\nwords")
    assert reader.facts == Facts()
