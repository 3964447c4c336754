"""One count under many names is read once: the first name of the list that is there."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from taximeter_processor.model import Usage
from tests.taximeter_processor.ingest.reading import call_of, reason_of, usage_of

BARE = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"}
WHOLE = {"gen_ai.usage.input_tokens": 5000, "gen_ai.usage.output_tokens": 700}
INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "llm.usage.prompt_tokens",
)
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "llm.usage.completion_tokens",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.input_cached_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
    "llm.usage.cache_read_input_tokens",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.prompt_tokens_details.cache_creation_tokens",
    "llm.token_count.prompt_details.cache_write",
    "llm.token_count.prompt_details.cache_creation",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
    "llm.usage.reasoning_tokens",
    "gen_ai.usage.experimental.reasoning_tokens",
    "gen_ai.usage.details.thinking_tokens",
    "gen_ai.usage.details.thoughts_tokens",
)
MODALITIES = (
    ("gen_ai.usage.audio.input_tokens", "input_audio_tokens"),
    ("gen_ai.usage.image.input_tokens", "input_image_tokens"),
    ("gen_ai.usage.audio.output_tokens", "output_audio_tokens"),
    ("gen_ai.usage.image.output_tokens", "output_image_tokens"),
    ("gen_ai.usage.details.input_audio_tokens", "input_audio_tokens"),
    ("gen_ai.usage.details.output_audio_tokens", "output_audio_tokens"),
    ("llm.token_count.prompt_details.audio", "input_audio_tokens"),
    ("llm.token_count.completion_details.audio", "output_audio_tokens"),
)
COST = (
    "litellm.cost.total",
    "gen_ai.cost.total_cost",
    "operation.cost",
    "gen_ai.usage.cost",
    "llm.cost.total",
)
LISTS = {
    "input_tokens": INPUT,
    "output_tokens": OUTPUT,
    "cache_read_tokens": CACHE_READ,
    "cache_write_tokens": CACHE_WRITE,
    "reasoning_tokens": REASONING,
}
EACH = [(field, alias) for field, aliases in LISTS.items() for alias in aliases]
PAIRS = [(field, *pair) for field, aliases in LISTS.items() for pair in pairwise(aliases)]


def with_whole(field: str, counts: dict[str, Any]) -> dict[str, Any]:
    """The counts on a span that has its two totals, unless it is one of them that is read."""
    whole = {} if field in ("input_tokens", "output_tokens") else WHOLE
    return {**BARE, **whole, **counts}


@pytest.mark.parametrize(("field", "alias"), EACH)
def test_every_name_of_a_count_is_read(field: str, alias: str) -> None:
    assert getattr(usage_of(with_whole(field, {alias: 64})), field) == 64


@pytest.mark.parametrize(("field", "first", "second"), PAIRS)
def test_where_two_names_disagree_the_earlier_one_wins(field: str, first: str, second: str) -> None:
    # The later one stands first on the span: its place there decides nothing.
    assert getattr(usage_of(with_whole(field, {second: 99, first: 64})), field) == 64


@pytest.mark.parametrize(("field", "first", "second"), PAIRS)
def test_a_count_of_zero_is_there_and_wins_as_well(field: str, first: str, second: str) -> None:
    assert getattr(usage_of(with_whole(field, {second: 99, first: 0})), field) == 0


@pytest.mark.parametrize(("value", "tokens"), [(64, 64), (64.0, 64), ("64", 64), ("64.0", 64)])
@pytest.mark.parametrize(("field", "alias"), EACH)
def test_a_count_may_be_an_integer_a_double_or_text(
    field: str, alias: str, value: object, tokens: int
) -> None:
    assert getattr(usage_of(with_whole(field, {alias: value})), field) == tokens


@pytest.mark.parametrize("value", [-1, "-1", "1.5", "many", True])
@pytest.mark.parametrize("alias", [alias for _, alias in EACH])
def test_what_is_no_count_refuses_the_span_under_every_name(alias: str, value: object) -> None:
    assert reason_of({**BARE, alias: value}) == "bad_count"


@pytest.mark.parametrize(("alias", "field"), MODALITIES)
def test_another_modality_is_part_of_its_whole(alias: str, field: str) -> None:
    assert usage_of({**BARE, **WHOLE, alias: 200}) == Usage(5000, 700)._replace(**{field: 200})


def test_cached_images_alone_are_all_that_was_read_from_a_cache() -> None:
    modalities = {
        "gen_ai.usage.image.input_tokens": 200,
        "gen_ai.usage.image.cache_read.input_tokens": 50,
    }
    assert usage_of({**BARE, **WHOLE, **modalities}) == Usage(
        5000, 700, 50, input_image_tokens=200, cache_read_image_tokens=50
    )


def test_text_tokens_are_part_of_their_whole_too() -> None:
    modalities = {
        "gen_ai.usage.text.input_tokens": 4800,
        "gen_ai.usage.image.input_tokens": 200,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.text.cache_read.input_tokens": 40,
        "gen_ai.usage.text.output_tokens": 700,
    }
    assert usage_of({**BARE, **WHOLE, **modalities}) == Usage(5000, 700, 40, input_image_tokens=200)


@pytest.mark.parametrize("alias", COST)
def test_every_name_of_the_reported_cost_is_read(alias: str) -> None:
    assert call_of({**BARE, **WHOLE, alias: 0.00055}).reported_cost_pico == 550_000_000


@pytest.mark.parametrize(("first", "second"), [*pairwise(COST)])
def test_of_two_reported_costs_the_earlier_one_wins(first: str, second: str) -> None:
    call = call_of({**BARE, **WHOLE, second: 9.0, first: "0.00055"})
    assert call.reported_cost_pico == 550_000_000


REQUEST_MODEL = (
    "gen_ai.request.model",
    "llm.request.model_name",
    "ai.model.id",
    "langfuse.observation.model.name",
    "embedding.model_name",
    "llm.model_name",
    "llm.request.model",
)
RESPONSE_MODEL = (
    "gen_ai.response.model",
    "llm.response.model_name",
    "ai.response.model",
    "llm.response.model",
)
PROVIDER = (
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "ai.model.provider",
    "llm.system",
)


@pytest.mark.parametrize(("first", "second"), [*pairwise(REQUEST_MODEL)])
def test_the_model_asked_for_is_the_first_one_told(first: str, second: str) -> None:
    call = call_of({**BARE, **WHOLE, second: "later", first: "earlier"})
    assert call.request_model == "earlier"


@pytest.mark.parametrize(("first", "second"), [*pairwise(RESPONSE_MODEL)])
def test_the_model_that_answered_is_the_first_one_told(first: str, second: str) -> None:
    call = call_of({**BARE, **WHOLE, second: "later", first: "earlier"})
    assert call.response_model == "earlier"


@pytest.mark.parametrize(("first", "second"), [*pairwise(PROVIDER)])
@pytest.mark.parametrize("mark", [{}, {"openinference.span.kind": "LLM"}], ids=["otel", "oi"])
def test_the_provider_is_the_first_one_told(mark: dict[str, Any], first: str, second: str) -> None:
    told = {"gen_ai.operation.name": "chat", second: "anthropic", first: "groq"}
    assert call_of({**WHOLE, **told, **mark}).provider == "groq"


@pytest.mark.parametrize(
    ("told", "request_model", "response_model"),
    [
        ({"llm.model_name": "gpt-4o-2024-08-06"}, "gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        (
            {"llm.model_name": "gpt-4o-2024-08-06", "llm.invocation_parameters": '{"model": "m"}'},
            "m",
            "gpt-4o-2024-08-06",
        ),
        (
            {"llm.model_name": "a", "llm.request.model_name": "b", "llm.response.model_name": "c"},
            "b",
            "c",
        ),
        (
            {"embedding.model_name": "e", "embedding.invocation_parameters": '{"model": "p"}'},
            "p",
            "e",
        ),
        ({"llm.model_name": "a", "llm.invocation_parameters": "{broken"}, "a", "a"),
        ({"llm.model_name": "a", "llm.invocation_parameters": '{"model": 5}'}, "a", "a"),
        ({"llm.model_name": "a", "llm.invocation_parameters": "[1]"}, "a", "a"),
        ({"llm.model_name": "a", "llm.invocation_parameters": "[" * 5000}, "a", "a"),
    ],
    ids=["alone", "parameters", "all", "embedding", "broken", "number", "list", "deep"],
)
def test_openinference_s_model_is_the_answer_s_and_its_parameters_the_request_s(
    told: dict[str, Any], request_model: str, response_model: str
) -> None:
    call = call_of({"openinference.span.kind": "LLM", **WHOLE, **told})
    assert (call.request_model, call.response_model) == (request_model, response_model)
