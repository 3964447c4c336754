"""The replayed usage follows the provider's documented rules."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.demo.answers import Answer, Answerer, prompt_of, tokens_in


def ask(answerer: Answerer, text: str, model: str = "gpt-4.1", **more: Any) -> Answer:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return answerer.generate(body, "chatcmpl-")


def test_four_characters_make_a_token_rounded_up() -> None:
    assert [tokens_in("x" * length) for length in (0, 4, 5, 8)] == [1, 1, 2, 2]


def test_the_prompt_is_everything_the_model_reads() -> None:
    parts = [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]
    messages = [{"role": "system", "content": "a"}, {"role": "user", "content": parts}]
    assert prompt_of({"messages": messages}) == "a\nb\nc"
    assert prompt_of({"instructions": "a", "input": "b"}) == "a\nb"


def test_every_answer_has_an_id_of_its_own() -> None:
    answerer = Answerer()
    assert ask(answerer, "Hi").response_id != ask(answerer, "Hi").response_id


def test_a_repeated_prefix_is_cached_in_steps_of_128_tokens_from_1024_on() -> None:
    answerer = Answerer()
    system = "s" * 4 * 1200  # 1,200 tokens: nine whole steps
    assert ask(answerer, system + "first").cached_tokens == 0
    assert ask(answerer, system + "other").cached_tokens == 9 * 128


def test_a_short_repeated_prompt_is_not_cached() -> None:
    answerer = Answerer()
    ask(answerer, "s" * 4 * 1023)
    assert ask(answerer, "s" * 4 * 1023).cached_tokens == 0


def test_models_do_not_share_their_cache() -> None:
    answerer = Answerer()
    ask(answerer, "s" * 8000, "gpt-4.1")
    assert ask(answerer, "s" * 8000, "gpt-5").cached_tokens == 0


def test_only_reasoning_models_reason_and_it_is_part_of_the_output() -> None:
    answerer = Answerer()
    reasoned = ask(answerer, "Hi", "gpt-5-mini")
    assert 64 <= reasoned.reasoning_tokens < reasoned.output_tokens
    assert ask(answerer, "Hi", "gpt-4.1").reasoning_tokens == 0


@given(st.text(max_size=9000), st.integers(16, 2000), st.sampled_from(["gpt-5", "gpt-4.1"]))
def test_parts_never_exceed_the_whole_nor_the_limit(text: str, limit: int, model: str) -> None:
    answerer = Answerer()
    for _ in range(2):
        answer = ask(answerer, text, model, max_completion_tokens=limit)
        assert 0 <= answer.cached_tokens <= answer.input_tokens
        assert 0 <= answer.reasoning_tokens <= answer.output_tokens <= limit
