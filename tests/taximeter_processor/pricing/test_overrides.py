"""The user's own prices: what may be written, which of several wins, and what it does to money."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml
from pydantic import ValidationError

from taximeter_processor.model import Line, Unpriced
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.overrides import PriceOverride, most_specific
from tests.taximeter_processor.pricing.calls import ask, costs, paid


def override(text: str) -> PriceOverride:
    """One item of the `prices:` list, as YAML."""
    return PriceOverride.model_validate(yaml.safe_load(text))


def book_with(*texts: str) -> PriceBook:
    return PriceBook.load([override(text) for text in texts])


def test_a_float_of_yaml_is_the_number_that_was_written() -> None:
    written = override("{model: m, rates: {input: 0.1, output: '0.30'}, fees: {request: 3}}")
    assert written.rates == {"input": Decimal("0.1"), "output": Decimal("0.3")}
    assert written.fees == {"request": Decimal(3)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{model: m}", "expected rates, fees or percent"),
        ("{model: m, percent: -5, rates: {input: 1}}", "exclude each other"),
        ("{model: m, percent: -101}", "greater than or equal to -100"),
        ("{model: m, rates: {input: -1}}", "greater than or equal to 0"),
        ("{model: m, rates: {input: yes}}", "expected a decimal number such as 0.25"),
        ("{model: m, rates: {input: .nan}}", "finite"),
        ("{model: m, rates: {tokens: 1}}", "'input', 'cache_read'"),
        ("{model: m, percent: 1, currency: EUR}", "a percentage has no currency"),
        ("{model: m, rates: {input: 1}, currency: euro}", "should match pattern"),
        ("{model: m, fees: {token: 1}}", "'request', 'web_search'"),
        ("{model: m, rates: {input: 1}, above: {0: {input: 2}}}", "greater than 0"),
        ("{model: m, rates: {input: 1}, above: {9: {output: 2}}}", "rate for smaller requests"),
        ("{model: m, percent: 1, hours: '8-20'}", "such as 16:30-00:30"),
        ("{model: m, percent: 1, hours: '08:00-08:00'}", "such as 16:30-00:30"),
        ("{model: m, percent: 1, hours: '24:00-08:00'}", "such as 16:30-00:30"),
        ("{model: m, percent: 1, discount: 2}", "Extra inputs are not permitted"),
        ("{model: m, percent: 1, from: 2026-02-01, until: 2026-01-31}", "expected a later day"),
        ("{percent: 1}", "Field required"),
    ],
)
def test_a_mistake_is_answered_with_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        override(text)


@pytest.mark.usefixtures("small_list")
def test_own_rates_price_a_model_the_catalogue_does_not_know() -> None:
    book = book_with("{provider: ollama, model: 'llama-*', rates: {input: 0.25, output: 1}}")
    priced = paid(ask(book, "Llama-4", provider="ollama", input=10, cache_read=10, output=1))
    assert priced.lines == (
        Line("input", 10, "0.00000025", 2_500_000),
        Line("cache_read", 10, "0.00000025", 2_500_000),
        Line("output", 1, "0.000001", 1_000_000),
    )
    assert (priced.model, priced.price_source) == ("Llama-4", "override=ollama/llama-*")


@pytest.mark.usefixtures("small_list")
def test_own_rates_replace_the_catalogues_and_leave_the_others() -> None:
    book = book_with("{provider: openai, model: text, rates: {input: 0.2}}")
    priced = paid(ask(book, "text", input=1000, cache_read=1000, output=1000))
    assert costs(priced) == {
        "input": 200_000_000,
        "cache_read": 25_000_000,
        "output": 2_000_000_000,
    }
    assert priced.price_source == "genai-prices:openai/text;override=openai/text"


@pytest.mark.usefixtures("small_list")
def test_own_rates_without_a_tier_are_the_standard_ones_and_a_known_tier_keeps_its_own() -> None:
    book = book_with("{model: text, rates: {input: 0.2, cache_read: 0.01}}")
    batch = paid(ask(book, "text", tier="batch", input=1000, cache_read=1000))
    assert costs(batch) == {"input": 125_000_000, "cache_read": 10_000_000}
    assert batch.standard_pico == 200_000_000 + 10_000_000
    priority = paid(ask(book, "text", tier="priority", input=1000))
    assert priority.cost_pico == 200_000_000
    assert priority.price_source.endswith(";override=*/text;tier=standard-assumed")


@pytest.mark.usefixtures("small_list")
def test_own_rates_for_a_tier_hold_in_that_tier_alone() -> None:
    book = book_with("{model: text, tier: priority, rates: {input: 0.5}}")
    assert paid(ask(book, "text", tier="priority", input=1000)).cost_pico == 500_000_000
    assert paid(ask(book, "text", input=1000)).cost_pico == 250_000_000


@pytest.mark.usefixtures("small_list")
def test_a_percentage_changes_every_rate_of_every_tier_and_size() -> None:
    book = book_with("{provider: openai, model: '*', percent: -15}")
    assert (
        paid(ask(book, "text", input=1000, web_search=1)).cost_pico == 212_500_000 + 8_500 * 10**6
    )
    assert paid(ask(book, "text", tier="batch", input=1000)).cost_pico == 106_250_000
    assert paid(ask(book, "long", input=200_001)).cost_pico == 200_001 * 2_125_000


@pytest.mark.usefixtures("small_list")
def test_a_percentage_of_no_price_is_no_price() -> None:
    book = book_with("{model: '*', percent: -15}")
    assert ask(book, "unheard-of", input=1) == Unpriced("unknown_model")


@pytest.mark.usefixtures("small_list")
def test_list_cost_is_reckoned_with_the_negotiated_rates() -> None:
    book = book_with("{model: text, percent: -50}")
    priced = paid(ask(book, "text", tier="batch", input=1000, cache_read=1000))
    assert (priced.cost_pico, priced.standard_pico, priced.list_pico) == (
        62_500_000 + 12_500_000,
        125_000_000 + 12_500_000,
        250_000_000,
    )


@pytest.mark.usefixtures("small_list")
def test_an_override_holds_from_its_first_through_its_last_day_in_utc() -> None:
    book = book_with("{model: text, from: 2026-10-01, until: 2026-10-31, rates: {input: 1}}")
    times = ("09-30T23:59:59.999999", "10-01T00:00:00", "10-31T23:59:59.999999", "11-01T00:00:00")
    paid_at = [paid(ask(book, "text", at=f"2026-{time}", input=1)).cost_pico for time in times]
    assert paid_at == [250_000, 1_000_000, 1_000_000, 250_000]


@pytest.mark.usefixtures("small_list")
def test_before_the_first_day_of_its_only_price_a_model_has_none() -> None:
    book = book_with("{model: own, from: 2026-10-01, rates: {input: 1}}")
    assert ask(book, "own", at="2026-09-30T23:59:59", input=1) == Unpriced("no_price_at_time")
    assert paid(ask(book, "own", at="2026-10-01T00:00:00", input=1)).cost_pico == 1_000_000


@pytest.mark.usefixtures("small_list")
def test_fees_for_requests_and_searches_are_dollars_a_piece() -> None:
    book = book_with("{model: own, fees: {request: 0.01, web_search: 0.5}}")
    assert costs(ask(book, "own", web_search=2)) == {"web_search": 10**12, "request": 10**10}


@pytest.mark.usefixtures("small_list")
def test_pages_search_units_and_seconds_are_priced_by_the_piece() -> None:
    book = book_with("{model: own, fees: {page: 0.001, search_unit: 0.002, audio_second: 0.0001}}")
    priced = ask(book, "own", page=3, search_unit=2, audio_second=30)
    assert costs(priced) == {
        "page": 3_000_000_000,
        "search_unit": 4_000_000_000,
        "audio_second": 3_000_000_000,
    }


@pytest.mark.usefixtures("small_list")
def test_above_a_threshold_the_whole_request_pays_the_higher_rates() -> None:
    book = book_with(
        "{model: own, rates: {input: 1, cache_read: 0.1, output: 2}, "
        "above: {1000: {input: 3}, 5000: {input: 4, output: 5}}}"
    )
    # The cached tokens count towards the threshold, and keep their rate: it names none above.
    asked = [(900, 100), (900, 101), (5000, 0), (5001, 0)]
    found = [costs(ask(book, "own", input=i, cache_read=c, output=10)) for i, c in asked]
    assert [line["input"] for line in found] == [9 * 10**8, 27 * 10**8, 15 * 10**9, 20_004 * 10**6]
    assert [line["output"] for line in found] == [2 * 10**7] * 3 + [5 * 10**7]
    assert found[1]["cache_read"] == 101 * 10**5


@pytest.mark.usefixtures("small_list")
def test_hours_hold_from_their_first_to_before_their_last_minute_over_midnight_too() -> None:
    book = book_with("{model: text, hours: '16:30-00:30', rates: {input: 1}}")
    times = ("16:29:59.999999", "16:30:00", "23:59:59", "00:29:59.999999", "00:30:00")
    paid_at = [paid(ask(book, "text", at=f"2026-11-24T{time}", input=1)) for time in times]
    assert [priced.cost_pico for priced in paid_at] == [250_000, *[1_000_000] * 3, 250_000]


@pytest.mark.usefixtures("small_list")
def test_an_override_may_name_the_deployment_or_the_catalogues_entry() -> None:
    by_entry = book_with("{model: text, rates: {input: 1}}")
    by_deployment = book_with("{model: my-deployment, rates: {input: 1}}")
    for book in (by_entry, by_deployment):
        found = book.price_for("azure.ai.openai", "text", "my-deployment", "standard", 0)
        assert not isinstance(found, Unpriced)
        assert paid(found.cost((), 0)).price_source.startswith("genai-prices:openai/text;override")


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("{model: 'text*', percent: 1, from: 2026-10-01}", "{model: text, percent: 2}"),
        (
            "{provider: 'o*', model: text, percent: 1}",
            "{provider: openai, model: text, percent: 2}",
        ),
        ("{model: text, percent: 1}", "{model: text, percent: 2, tier: flex}"),
        ("{model: text, percent: 1}", "{model: text, percent: 2, hours: '08:00-20:00'}"),
        ("{model: 'te*', percent: 1}", "{model: 'tex*', percent: 2}"),
        ("{model: text, percent: 1}", "{model: text, percent: 2, from: 2026-10-01}"),
    ],
)
def test_the_more_specific_or_later_override_wins_wherever_it_stands(
    weaker: str, stronger: str
) -> None:
    pair = [override(weaker), override(stronger)]
    assert most_specific(pair) == most_specific(pair[::-1]) == pair[1]


def test_of_two_equal_overrides_the_last_wins() -> None:
    first, last = override("{model: m, percent: 1}"), override("{model: m, percent: 2}")
    assert most_specific([first, last]) == last


@pytest.mark.usefixtures("small_list")
def test_the_version_changes_with_a_price_and_not_with_a_note() -> None:
    plain = book_with("{model: m, percent: 1}").version
    assert book_with("{model: m, percent: 1, note: as signed}").version == plain
    assert book_with("{model: m, percent: 2}").version != plain
    assert len(plain.partition("+overrides:")[2]) == 8
