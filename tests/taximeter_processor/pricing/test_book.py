"""From a provider, a model, a tier and a moment to exact money; rates are worked out by hand."""

from __future__ import annotations

from taximeter_processor.model import Line, Priced, Unpriced
from taximeter_processor.pricing.book import PriceBook
from tests.taximeter_processor.pricing.calls import ask, costs, paid, us


def named(book: PriceBook, response: str, request: str) -> str:
    """The entry that a pair of names is priced as."""
    found = book.price_for("openai", response, request, "standard", us("2026-11-24"))
    assert not isinstance(found, Unpriced)
    return paid(found.cost((), 0)).model


def test_gpt_5_mini_costs_what_its_price_list_says(book: PriceBook) -> None:
    # 160 × $0.25 + 1152 × $0.025 + 84 × $2 a million; without the cache 1312 × $0.25 + 84 × $2.
    priced = ask(book, "gpt-5-mini-2025-08-07", input=160, cache_read=1152, output=84)
    assert priced == Priced(
        lines=(
            Line("input", 160, "0.00000025", 40_000_000),
            Line("cache_read", 1152, "0.000000025", 28_800_000),
            Line("output", 84, "0.000002", 168_000_000),
        ),
        cost_pico=236_800_000,
        list_pico=496_000_000,
        standard_pico=236_800_000,
        model="gpt-5-mini",
        price_version=book.version,
        price_source="genai-prices:openai/gpt-5-mini",
    )


def test_the_response_model_is_priced_before_the_request_model(small: PriceBook) -> None:
    assert named(small, response="long", request="text") == "long"


def test_an_unknown_response_model_falls_back_to_the_request_model(small: PriceBook) -> None:
    assert named(small, response="text-preview-unlisted", request="text") == "text"


def test_a_model_named_with_its_seller_is_that_model(small: PriceBook, book: PriceBook) -> None:
    assert named(small, response="openai/text", request="long") == "text"
    named_by_others = {
        "gcp.gemini": ("googleai/gemini-2.5-flash", "models/gemini-2.5-flash"),
        "gcp.vertex_ai": (
            "publishers/google/models/gemini-2.5-flash",
            "vertex_ai/gemini-2.5-flash",
        ),
        "azure.ai.openai": ("azure/gpt-5-mini",),
        "anthropic": ("anthropic/claude-sonnet-4-5",),
    }
    for provider, models in named_by_others.items():
        bare = paid(ask(book, models[0].rpartition("/")[2], provider=provider, input=1))
        assert [ask(book, model, provider=provider, input=1) for model in models] == [
            bare for _ in models
        ]


def test_a_name_before_the_model_that_is_not_its_seller_s_is_part_of_the_model(
    small: PriceBook,
) -> None:
    assert ask(small, "acme/text", input=1) == Unpriced("unknown_model")
    assert ask(small, "anthropic/text", input=1) == Unpriced("unknown_model")


def test_the_literal_chat_is_no_model(small: PriceBook) -> None:
    assert ask(small, "chat", input=1) == Unpriced("unknown_model")


def test_a_model_of_an_unknown_or_unnamed_provider_is_not_priced(book: PriceBook) -> None:
    assert ask(book, "gpt-5-mini", provider="", input=1) == Unpriced("unknown_model")
    assert ask(book, "gpt-5-mini", provider="ollama", input=1) == Unpriced("unknown_model")
    assert ask(book, "gpt-5-mini", provider="my-openai", input=1) == Unpriced("unknown_model")


def test_an_unknown_model_is_unpriced_never_zero(book: PriceBook) -> None:
    assert ask(book, "gpt-99-imaginary", input=1) == Unpriced("unknown_model")


def test_every_canonical_provider_leads_to_its_own_price_list(book: PriceBook) -> None:
    models = {
        "anthropic": "claude-sonnet-4-5",
        "aws.bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "azure.ai.inference": "gpt-4o",
        "azure.ai.openai": "gpt-4o",
        "cohere": "command-r-plus",
        "deepseek": "deepseek-chat",
        "gcp.gemini": "gemini-2.5-pro",
        "gcp.gen_ai": "gemini-2.5-pro",
        "gcp.vertex_ai": "claude-sonnet-4-5@20250929",
        "groq": "llama-3.3-70b-versatile",
        "mistral_ai": "mistral-large-latest",
        "moonshot_ai": "kimi-k2-0905-preview",
        "openai": "gpt-4o",
        "openrouter": "openai/gpt-4o",
        "perplexity": "sonar",
        "x_ai": "grok-3",
    }
    unpriced = [
        provider
        for provider, model in models.items()
        if isinstance(ask(book, model, provider=provider, input=1000, output=10), Unpriced)
    ]
    assert unpriced == []


def test_a_bedrock_profile_arn_is_the_model_it_names(book: PriceBook) -> None:
    profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
    model = "us.anthropic.claude-sonnet-4-20250514-v1:0"
    by_arn = paid(ask(book, profile + model, provider="aws.bedrock", input=1000))
    assert by_arn == ask(book, model, provider="aws.bedrock", input=1000)


def test_a_tier_with_rates_of_its_own_pays_them(small: PriceBook) -> None:
    # Flex: 1000 × $0.125 + 500 × $0.0125 + 100 × $1 a million; standard twice that; uncached 1500.
    priced = paid(ask(small, "text", tier="flex", input=1000, cache_read=500, output=100))
    assert priced.cost_pico == 125_000_000 + 6_250_000 + 100_000_000
    assert priced.standard_pico == 250_000_000 + 12_500_000 + 200_000_000
    assert priced.list_pico == 375_000_000 + 200_000_000
    assert priced.price_source == "genai-prices:openai/text"


def test_a_meter_that_a_tier_does_not_name_keeps_the_standard_rate(small: PriceBook) -> None:
    priced = ask(small, "text", tier="batch", input=1000, cache_read=1000)
    assert costs(priced) == {"input": 125_000_000, "cache_read": 25_000_000}


def test_a_fast_answer_pays_anthropics_speed_rate(small: PriceBook) -> None:
    priced = ask(small, "writer", provider="anthropic", tier="fast", input=1000, output=10)
    assert costs(priced) == {"input": 12_000_000_000, "output": 600_000_000}


def test_an_unknown_tier_pays_the_standard_rate_and_says_that_it_was_assumed(
    small: PriceBook,
) -> None:
    priced = paid(ask(small, "text", tier="priority", input=1000))
    assert priced.cost_pico == 250_000_000
    assert priced.price_source == "genai-prices:openai/text;tier=standard-assumed"


def test_a_tier_begins_on_the_day_the_catalogue_first_knows_it(small: PriceBook) -> None:
    before = paid(ask(small, "text", tier="flex", at="2026-10-11T23:59:59.999999", input=1000))
    since = paid(ask(small, "text", tier="flex", at="2026-10-12T00:00:00", input=1000))
    assert (before.cost_pico, since.cost_pico) == (250_000_000, 125_000_000)
    assert before.price_source.endswith(";tier=standard-assumed")
    assert not since.price_source.endswith(";tier=standard-assumed")


def test_default_is_the_standard_tier(small: PriceBook) -> None:
    for tier in ("", "default", "standard"):
        assert paid(ask(small, "text", tier=tier, input=1)).price_source.endswith("openai/text")


def test_a_borrowed_model_has_the_owners_rates_but_not_its_tiers(small: PriceBook) -> None:
    priced = paid(ask(small, "text", provider="azure.ai.openai", tier="batch", input=1000))
    assert priced.cost_pico == 250_000_000
    assert priced.price_source == "genai-prices:openai/text;tier=standard-assumed"


def test_a_price_changes_at_midnight_utc_of_its_first_day(small: PriceBook) -> None:
    before = ask(small, "dated", at="2026-05-31T23:59:59.999999", input=1000, output=10)
    since = ask(small, "dated", at="2026-06-01T00:00:00", input=1000, output=10)
    assert costs(before) == {"input": 4_000_000_000, "output": 80_000_000}
    assert costs(since) == {"input": 2_000_000_000, "output": 40_000_000}


def test_a_nightly_price_holds_from_its_first_to_before_its_last_minute(small: PriceBook) -> None:
    times = ("00:29:59.999999", "00:30:00", "16:29:59.999999", "16:30:00")
    paid_at = [paid(ask(small, "nightly", at=f"2026-11-24T{time}", input=1)) for time in times]
    assert [priced.cost_pico for priced in paid_at] == [1_000_000, 2_000_000, 2_000_000, 1_000_000]


def test_a_long_request_pays_the_higher_rate_for_all_its_tokens(small: PriceBook) -> None:
    at_limit = ask(small, "long", input=150_000, cache_read=50_000, output=10)
    beyond = ask(small, "long", input=150_000, cache_read=50_001, output=10)
    # $1.25 and $10 a million up to 200,000 input tokens, cached ones included; $2.50 and $15 above.
    assert paid(at_limit).cost_pico == 200_000 * 1_250_000 + 10 * 10_000_000
    assert paid(beyond).cost_pico == 200_001 * 2_500_000 + 10 * 15_000_000


def test_cache_writes_of_an_hour_cost_more_than_those_of_five_minutes(small: PriceBook) -> None:
    priced = paid(
        ask(small, "writer", provider="anthropic", cache_write=1000, cache_write_1h=1000, output=1)
    )
    assert costs(priced) == {
        "cache_write": 3_750_000_000,
        "cache_write_1h": 6_000_000_000,
        "output": 15_000_000,
    }
    assert priced.list_pico == 2 * 3_000_000_000 + 15_000_000


def test_cached_audio_has_its_own_rate_and_lists_as_audio(small: PriceBook) -> None:
    priced = paid(ask(small, "audio", input=10, input_audio=10, cache_read_audio=10, output=1))
    assert priced.cost_pico == 10_000_000 + 100_000_000 + 20_000_000 + 4_000_000
    assert priced.list_pico == 10_000_000 + 200_000_000 + 4_000_000


def test_a_meter_without_a_rate_is_billed_as_the_nearest_that_has_one(small: PriceBook) -> None:
    priced = ask(small, "audio", cache_write=10, input_image=10, cache_read_image=10)
    assert costs(priced) == {
        "cache_write": 10_000_000,
        "input_image": 10_000_000,
        "cache_read_image": 5_000_000,
    }


def test_a_meter_without_any_rate_makes_the_call_unpriced(small: PriceBook) -> None:
    no_price = Unpriced("no_price_for_meter")
    assert ask(small, "embed", input=1000, output=1) == no_price
    assert ask(small, "embed", input=1000, web_search=1) == no_price
    assert ask(small, "silent", input=1000) == no_price
    assert ask(small, "text", input=1000, unheard_of=1) == no_price


def test_a_web_search_is_priced_by_the_piece(small: PriceBook) -> None:
    assert paid(ask(small, "text", web_search=3)).lines == (
        Line("web_search", 3, "0.01", 30_000_000_000),
    )


def test_a_fee_for_the_request_is_a_line_of_its_own(small: PriceBook) -> None:
    priced = ask(small, "searcher", input=10, output=1)
    assert paid(priced).lines[-1] == Line("request", 1, "0.012", 12_000_000_000)
    assert paid(priced).cost_pico == 12_000_000_000 + 11_000_000


def test_pages_and_seconds_of_audio_have_catalogue_rates(small: PriceBook) -> None:
    assert costs(ask(small, "reader", page=3)) == {"page": 3_000_000_000}
    assert costs(ask(small, "listener", audio_second=30)) == {"audio_second": 3_000_000_000}
    assert ask(small, "text", search_unit=1) == Unpriced("no_price_for_meter")


def test_groq_bills_ten_seconds_of_audio_at_the_least(small: PriceBook) -> None:
    short = ask(small, "whisper-large-v3", provider="groq", audio_second=3)
    assert paid(short).lines == (Line("audio_second", 10, "0.0001", 1_000_000_000),)
    long = ask(small, "whisper-large-v3", provider="groq", audio_second=11)
    assert paid(long).cost_pico == 1_100_000_000


def test_reasoning_is_apart_from_output_only_where_it_has_its_own_rate(small: PriceBook) -> None:
    apart = ask(small, "thinker", input=10, output=100, reasoning_tokens=40)
    inside = ask(small, "text", input=10, output=100, reasoning_tokens=40)
    assert costs(apart) == {
        "input": 20_000_000,
        "output": 480_000_000,
        "output_reasoning": 120_000_000,
    }
    assert costs(inside) == {"input": 2_500_000, "output": 200_000_000}


def test_a_model_that_is_free_by_name_costs_nothing(small: PriceBook) -> None:
    priced = paid(ask(small, "gift:free", input=1000, cache_read=10, output=1000))
    assert (priced.cost_pico, priced.lines[0].rate_usd) == (0, "0")


def test_the_version_names_the_catalogue(book: PriceBook) -> None:
    assert book.version.startswith("genai-prices/0.")


def test_the_catalogue_says_when_it_last_verified_a_price(book: PriceBook) -> None:
    assert book.checked_on is not None
    assert book.checked_on.year >= 2026
