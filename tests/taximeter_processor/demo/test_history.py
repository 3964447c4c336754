"""The history is labelled, past, the same every time, and priced to what its counts say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from taximeter_processor.delivery import post_all
from taximeter_processor.demo.history import LABEL, TRIAL_MODEL, PastCall, bodies, calls
from taximeter_processor.demo.workload import FEATURES
from tests.support.servers import Processor

TODAY = date(2026, 11, 24)
MIDNIGHT_NS = int(datetime(2026, 11, 24, tzinfo=timezone.utc).timestamp()) * 10**9
DAY_NS = 86_400 * 10**9

PICO_PER_TOKEN = {
    "text-embedding-3-small": (20_000, 20_000, 0),
    "gpt-4.1": (2_000_000, 500_000, 8_000_000),
    "gpt-5": (1_250_000, 125_000, 10_000_000),
    "gpt-5-mini": (250_000, 25_000, 2_000_000),
    TRIAL_MODEL: (0, 0, 0),
}
"""Input, cached input and output, from the public price list: $2 a million is 2,000,000 pico."""


@pytest.fixture(scope="module")
def past() -> list[PastCall]:
    return calls(60, TODAY)


@pytest.fixture(scope="module")
def week() -> list[PastCall]:
    """The last seven days, and one call that is worked out by hand."""
    found = calls(7, datetime.now(timezone.utc).date())
    call = next(call for call in found if call.feature.name == "summarise")
    return [
        *found,
        call._replace(
            span_id=b"by-hand!",
            tenant="by-hand",
            input_tokens=1000,
            cached_tokens=256,
            output_tokens=100,
            reasoning_tokens=64,
        ),
    ]


@pytest.fixture(scope="module")
def processor(
    tmp_path_factory: pytest.TempPathFactory, week: list[PastCall]
) -> Iterator[Processor]:
    """Has taken the week, twice."""
    server = Processor(tmp_path_factory.mktemp("history"))
    server.start()
    for _ in range(2):
        post_all(f"{server.url}/v1/traces", bodies(week), lambda _: None)
    yield server
    server.stop()


def rows(processor: Processor, by: str, **where: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = processor.api("costs", by=by, since="8d", **where)["rows"]
    return found


def cost_usd(found: list[PastCall]) -> Decimal:
    pico = 0
    for call in found:
        fresh, cached, output = PICO_PER_TOKEN[call.model]
        pico += (call.input_tokens - call.cached_tokens) * fresh
        pico += call.cached_tokens * cached + call.output_tokens * output
    return Decimal(pico).scaleb(-12)


def test_one_call_costs_what_its_tokens_cost(processor: Processor) -> None:
    (row,) = rows(processor, "tenant", tenant="by-hand")
    # gpt-5-mini: 744 x $0.25 + 256 x $0.025 + 100 x $2 a million tokens
    assert row["cost_usd"] == "0.0003924"


def test_every_model_costs_what_the_price_list_says(
    processor: Processor, week: list[PastCall]
) -> None:
    for row in rows(processor, "model"):
        of_model = [call for call in week if call.model == row["model"]]
        assert row["requests"] == len(of_model)
        assert Decimal(row["cost_usd"]) == cost_usd(of_model)


def test_the_model_on_trial_has_no_price(processor: Processor) -> None:
    (row,) = rows(processor, "status", model=TRIAL_MODEL)
    assert row["status"] == "unpriced"


def test_all_of_it_is_labelled(processor: Processor, week: list[PastCall]) -> None:
    (row,) = rows(processor, "service_name,environment")
    assert (row["service_name"], row["environment"]) == (LABEL, LABEL)
    assert row["requests"] == len(week)


def test_it_enters_the_ledger_and_not_today_s_counters(processor: Processor) -> None:
    counted = processor.api("ledger/verify")
    assert counted["ok"]
    assert counted["counters"]["backfilled"] == counted["cost_usd"]


def test_it_ends_before_today(past: list[PastCall]) -> None:
    assert max(call.start_ns + call.duration_ns for call in past) < MIDNIGHT_NS
    assert min(call.start_ns for call in past) >= MIDNIGHT_NS - 60 * DAY_NS


def test_it_is_the_same_every_time(past: list[PastCall]) -> None:
    assert calls(60, TODAY) == past


def test_tomorrow_the_shared_days_hold_the_same_keys(past: list[PastCall]) -> None:
    keys = {(call.trace_id, call.span_id, call.start_ns) for call in past}
    first_day = [call for call in calls(60, date(2026, 11, 25)) if call.start_ns < MIDNIGHT_NS]
    known = [call for call in first_day if (call.trace_id, call.span_id, call.start_ns) in keys]
    assert len(known) > 0.97 * len(first_day)


def test_it_fills_bodies_of_512_spans(past: list[PastCall]) -> None:
    sizes = [spans for _, spans in bodies(past)]
    assert set(sizes[:-1]) == {512}
    assert sum(sizes) == len(past)
    assert 20_000 <= len(past) <= 30_000


def test_caching_begins_20_days_before_the_end(past: list[PastCall]) -> None:
    cached_days = {
        (MIDNIGHT_NS - call.start_ns) // DAY_NS
        for call in past
        if call.feature.name == "support-chat" and call.cached_tokens
    }
    assert cached_days == set(range(20))


def test_one_tenant_s_agent_ran_in_a_loop_9_days_before_the_end(past: list[PastCall]) -> None:
    by_day = Counter(
        (MIDNIGHT_NS - call.start_ns) // DAY_NS
        for call in past
        if (call.feature.name, call.tenant) == ("agent", "initech")
    )
    (day, loops), (_, next_most) = by_day.most_common(2)
    assert day == 8
    assert loops > 10 * next_most


def test_parts_never_exceed_the_whole(past: list[PastCall]) -> None:
    for call in past:
        assert 0 <= call.cached_tokens <= call.input_tokens
        assert 0 <= call.reasoning_tokens <= call.output_tokens


def test_all_features_take_part(past: list[PastCall]) -> None:
    assert {call.feature for call in past} == set(FEATURES)
