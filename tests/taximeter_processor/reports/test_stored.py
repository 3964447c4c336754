"""Stored calls say what they cost when they were priced, and whether that would differ today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter_processor.costing import book as booked
from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.model import Call, Usage
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.reports.account import Account
from taximeter_processor.reports.reprice import Question, reprice_slice
from taximeter_processor.reports.stored import asked_for, explain_trace
from tests.support.records import NOON_US
from tests.taximeter_processor.ledger.test_identity import INNER, OUTER
from tests.taximeter_processor.reports.test_reprice import EVER, LATER_US, OWN, own, stored
from tests.taximeter_processor.test_costing import CALL

TRACE = CALL.trace_id
ZONE = ZoneInfo("Asia/Kolkata")


@pytest.fixture(scope="module")
def listed() -> PriceBook:
    return PriceBook.load()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path / "l.duckdb")
    yield opened
    opened.close()


def book_with(*texts: str) -> PriceBook:
    return PriceBook.load([PriceOverride.model_validate(yaml.safe_load(text)) for text in texts])


def explained(store: DuckDBStore, prices: PriceBook) -> Account:
    found = explain_trace(store, prices, ZONE, TRACE)
    assert found is not None
    (account,) = found["calls"]
    return account


def lines(account: Account) -> list[tuple[str, int, str | None, str | None, str]]:
    return [
        (line["meter"], line["quantity"], line["rate_usd"], line["cost_usd"], line["source"])
        for line in account["meters"]
    ]


def test_a_stored_call_has_its_lines_with_their_sources(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, listed)
    account = explained(store, listed)
    assert lines(account) == [
        ("input", 160, "0.00000025", "0.00004", "catalogue"),
        ("cache_read", 1152, "0.000000025", "0.0000288", "catalogue"),
        ("output", 84, "0.000002", "0.000168", "catalogue"),
    ]
    assert (account["cost_usd"], account["list_cost_usd"]) == ("0.0002368", "0.000496")
    assert account["saved_usd"] == {"prompt_cache": "0.0002592"}
    assert account["today"] == {
        "price_version": listed.version,
        "cost_usd": "0.0002368",
        "reprice_pending": False,
        "reason": None,
    }


def test_a_stored_call_says_where_it_ran_and_what_time_it_was_there(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, listed)
    account = explained(store, listed)
    assert (account["environment"], account["service_name"]) == ("prod", "api")
    # 12:00 UTC is 17:30 in India.
    assert account["start_time"] == "2026-11-18T12:00:00Z"
    assert account["start_time_local"] == "2026-11-18T17:30:00+05:30"


def test_a_price_that_changed_since_does_not_change_the_account(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, listed)
    halved = book_with("{model: gpt-5-mini, percent: -50}")
    account = explained(store, halved)
    assert account["price_version"] == listed.version
    assert lines(account) == [
        ("input", 160, "0.00000025", "0.00004", "past"),
        ("cache_read", 1152, "0.000000025", "0.0000288", "past"),
        ("output", 84, "0.000002", "0.000168", "past"),
    ]
    assert (account["meters"][0]["rate_per_usd"], account["meters"][0]["per"]) == (
        "0.25", 1_000_000,
    )  # fmt: skip
    assert account["meters"][0]["source_detail"] == "genai-prices:openai/gpt-5-mini"
    assert account["today"] == {
        "price_version": halved.version,
        "cost_usd": "0.0001184",
        "reprice_pending": True,
        "reason": "price_changed",
    }


def test_an_override_of_the_past_is_still_named(store: DuckDBStore, listed: PriceBook) -> None:
    stored(store, book_with("{provider: openai, model: gpt-5*, percent: -50}"))
    override = explained(store, listed)["meters"][0]["override"]
    assert override is not None
    assert override["name"] == "openai/gpt-5*"


def test_another_amount_of_the_same_source_is_not_claimed(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, book_with("{provider: openai, model: gpt-5*, percent: -50}"))
    account = explained(store, book_with("{provider: openai, model: gpt-5*, percent: -40}"))
    # Half of 160 x $0.25, 1152 x $0.025 and 84 x $2 a million.
    assert [line["cost_usd"] for line in account["meters"]] == ["0.00002", "0.0000144", "0.000084"]
    assert [line["rate_per_usd"] for line in account["meters"]] == ["0.125", "0.0125", "1"]
    assert {line["source"] for line in account["meters"]} == {"past"}


def test_another_source_of_the_same_amount_is_not_claimed(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, book_with("{provider: openai, model: gpt-5*, percent: 0}"))
    account = explained(store, listed)
    assert {line["source"] for line in account["meters"]} == {"past"}
    assert account["today"]["reprice_pending"] is False


def test_a_price_that_was_added_is_pending_until_the_call_is_repriced(
    store: DuckDBStore, listed: PriceBook
) -> None:
    own(store, listed)
    prices = book_with(OWN)
    before = explained(store, prices)
    assert (before["status"], before["cost_usd"], before["meters"]) == ("unpriced", None, [])
    assert before["quantities"] == {"input": 160, "cache_read": 1152, "output": 84}
    # 160 x $1, 1152 x $0.10 and 84 x $2 a million.
    assert before["today"]["cost_usd"] == "0.0004432"
    assert (before["today"]["reprice_pending"], before["today"]["reason"]) == (
        True, "price_added",
    )  # fmt: skip
    reprice_slice(store, prices, Question(EVER.since, EVER.until), LATER_US)
    after = explained(store, prices)
    assert (after["status"], after["cost_usd"], after["first_cost_usd"]) == (
        "priced", "0.0004432", "0.0",
    )  # fmt: skip
    assert after["restatements"] == [
        {
            "restated_at": "2026-11-18T13:00:00Z",
            "reason": "price_added",
            "old_cost_usd": "0.0",
            "new_cost_usd": "0.0004432",
            "writer": "main",
        }
    ]
    assert after["today"]["reprice_pending"] is False
    assert {line["source"] for line in after["meters"]} == {"override"}


def test_a_model_that_left_the_price_list_keeps_what_it_cost(
    store: DuckDBStore, listed: PriceBook
) -> None:
    own(store, book_with(OWN))
    account = explained(store, listed)
    assert (account["cost_usd"], account["today"]["reprice_pending"]) == ("0.0004432", False)
    assert {line["source"] for line in account["meters"]} == {"past"}


def test_rarer_meters_are_lines_too(store: DuckDBStore, listed: PriceBook) -> None:
    searched = CALL.usage._replace(web_search_requests=2)
    stored(store, listed, usage=searched)
    account = explained(store, listed)
    last = account["meters"][-1]
    assert (last["meter"], last["quantity"], last["per"]) == ("web_search", 2, 1000)
    costs = [Decimal(line["cost_usd"] or "") for line in account["meters"]]
    assert sum(costs) == Decimal(account["cost_usd"] or "")


@pytest.mark.parametrize("percent", [0, 100])
def test_a_cached_answer_tells_what_it_avoided_while_that_is_known(
    store: DuckDBStore, listed: PriceBook, percent: int
) -> None:
    stored(store, listed, is_cache_hit=True)
    account = explained(store, book_with(f"{{model: other, percent: {percent}}}"))
    assert (account["status"], account["cost_usd"]) == ("cached", "0.0")
    assert account["saved_usd"] == {"response_cache": "0.0002368"}
    assert [line["cost_usd"] for line in account["meters"]] == ["0.00004", "0.0000288", "0.000168"]


def test_lines_that_are_not_known_any_more_are_not_made_up(
    store: DuckDBStore, listed: PriceBook
) -> None:
    stored(store, listed, is_cache_hit=True)
    account = explained(store, book_with("{model: gpt-5-mini, percent: 100}"))
    assert (account["meters"], account["list_cost_usd"]) == ([], "0.0002368")


def test_a_failed_call_has_no_amount(store: DuckDBStore, listed: PriceBook) -> None:
    stored(store, listed, usage=Usage(), usage_status="missing", is_error=True)
    account = explained(store, listed)
    assert (account["status"], account["cost_usd"], account["quantities"]) == ("failed", None, {})


def test_other_tellings_are_beside_the_call_and_have_an_account_of_their_own(
    store: DuckDBStore, listed: PriceBook
) -> None:
    store.append([OUTER, INNER])
    found = explain_trace(store, listed, ZONE, TRACE)
    assert found is not None
    (call,), (other,) = found["calls"], found["not_counted"]
    assert [(one["span_id"], one["reason"], one["cost_usd"]) for one in call["duplicates"]] == [
        (OUTER.span_id, "told_twice", "0.0002368")
    ]
    assert other["span_id"] == OUTER.span_id
    assert other["duplicate_of"] == call["duplicates"][0]
    assert (found["total_calls"], found["cost_usd"]) == (1, "0.0002368")


def test_a_span_that_is_counted_elsewhere_is_found_by_its_own_id(
    store: DuckDBStore, listed: PriceBook
) -> None:
    store.append([OUTER, INNER])
    found = explain_trace(store, listed, ZONE, TRACE, OUTER.span_id)
    assert found is not None
    assert (found["calls"], len(found["not_counted"])) == ([], 1)


def test_a_telling_of_another_trace_has_its_account_there(
    store: DuckDBStore, listed: PriceBook
) -> None:
    store.append([INNER, OUTER._replace(trace_id="e" * 32, emitter="litellm")])
    here = explain_trace(store, listed, ZONE, TRACE)
    there = explain_trace(store, listed, ZONE, "e" * 32)
    assert here is not None
    assert there is not None
    assert [one["emitter"] for one in here["calls"][0]["duplicates"]] == ["litellm"]
    assert here["not_counted"] == []
    assert (there["calls"], there["cost_usd"], len(there["not_counted"])) == ([], "0.0", 1)


def test_what_the_emitter_wrote_is_told_from_the_row(store: DuckDBStore, listed: PriceBook) -> None:
    raw = {"gen_ai.usage.prompt_tokens": 1312, "llm.usage.total_tokens": 1396}
    record = OUTER._replace(raw_usage=json.dumps(raw))
    store.append([record])
    account = explained(store, listed)
    assert account["raw_usage"] == raw
    assert account["read_as"] == {"gen_ai.usage.prompt_tokens": ["input_tokens"]}
    assert account["ignored"][0]["reason"] == "total"


def test_a_correction_is_told_from_the_row(store: DuckDBStore, listed: PriceBook) -> None:
    raw = {"gen_ai.usage.input_tokens": 160, "gen_ai.usage.cache_read.input_tokens": 1152}
    store.append([OUTER._replace(raw_usage=json.dumps(raw))])
    (corrected,) = explained(store, listed)["corrected"]
    assert (corrected["told"], corrected["counted"]) == (160, 1312)


def test_an_unknown_trace_is_none(store: DuckDBStore, listed: PriceBook) -> None:
    assert explain_trace(store, listed, ZONE, "e" * 32) is None


@pytest.mark.parametrize(
    ("trace_id", "span_id", "message"),
    [
        ("", "", "'' is no trace id: expected 32 hex digits"),
        ("g" * 32, "", "is no trace id"),
        ("a" * 33, "", "is no trace id"),
        ("a" * 32, "b" * 15, "is no span id: expected 16 hex digits"),
    ],
)
def test_what_is_no_id_is_refused(trace_id: str, span_id: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        asked_for(trace_id, span_id)


def test_an_id_may_be_in_capitals() -> None:
    assert asked_for("A" * 32, "B" * 16) == ("a" * 32, "b" * 16)


CALLS = st.builds(
    lambda inputs, read, outputs, reasoning, model: CALL._replace(
        request_model=model,
        response_model=model,
        provider="perplexity" if model.startswith("sonar") else "openai",
        usage=Usage(inputs + read, outputs + reasoning, read, reasoning_tokens=reasoning),
    ),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["gpt-5-mini", "gpt-4.1", "sonar-deep-research", "no-such-model"]),
)


class OneRow:
    """A ledger that holds one row and nothing else."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def read(self, sql: str, parameters: object = ()) -> list[tuple[object, ...]]:
        record = self._record
        if sql.startswith("select count"):
            return [(1, Decimal(record.cost_usd).scaleb(-12))]
        if "from calls" not in sql:
            return []
        money = [name.endswith("_usd") for name in Record._fields]
        return [
            tuple(
                Decimal(value).scaleb(-12) if is_money and isinstance(value, int) else value
                for value, is_money in zip(record, money, strict=True)
            )
        ]


@given(call=CALLS)
@settings(max_examples=60)
def test_lines_always_add_up_to_the_stored_cost(listed: PriceBook, call: Call) -> None:
    record = booked(call, listed, writer="main", now_us=NOON_US, backfill_before_us=0)
    found = explain_trace(OneRow(record), listed, ZONE, TRACE)  # type: ignore[arg-type]
    assert found is not None
    (account,) = found["calls"]
    total = sum((Decimal(line["cost_usd"] or "") for line in account["meters"]), Decimal(0))
    assert total == Decimal(record.cost_usd).scaleb(-12)
    assert all(line["source"] != "past" for line in account["meters"])
