"""Sums of usage cost what their calls cost one by one, whenever and however large they were."""

from __future__ import annotations

from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.ledger.usage import (
    Cuts,
    models_in_use,
    usage_from_json,
    usage_json,
    usage_sums,
)
from taximeter_processor.model import Quantity
from tests.support.records import NOON_US, call

HOUR_US = 3_600_000_000
EVER = (0, 2 * NOON_US)


def at(number: int, hours: int = 0, **changes: object) -> Record:
    return call(number, start_time=NOON_US + hours * HOUR_US, **changes)


def test_calls_of_one_model_are_one_sum(store: LedgerStore) -> None:
    store.append([at(0), at(1), at(2, feature="agent")])
    (found,) = usage_sums(store, *EVER, Cuts())
    assert (found.provider, found.response_model, found.tier) == (
        "openai",
        "gpt-5-mini-2025-08-07",
        "standard",
    )
    assert (found.requests, found.reasoning_tokens, found.input_tokens) == (3, 192, 1312)
    assert found.quantities == (
        Quantity("input", 480),
        Quantity("cache_read", 3456),
        Quantity("output", 252),
    )


def test_a_date_a_time_of_day_and_a_size_cut_sums_apart(store: LedgerStore) -> None:
    store.append([at(0), at(1, 5), at(2, 24), at(3, 29), at(4, input_tokens=1313)])
    midnight = NOON_US + 12 * HOUR_US
    found = usage_sums(store, *EVER, Cuts((midnight,), (16 * HOUR_US,), (1312,)))
    # 1312 tokens are not more than 1312.
    assert sorted((sum_.start_us, sum_.input_tokens) for sum_ in found) == [
        (NOON_US, 1312),
        (NOON_US, 1313),
        (NOON_US + 5 * HOUR_US, 1312),
        (NOON_US + 24 * HOUR_US, 1312),
        (NOON_US + 29 * HOUR_US, 1312),
    ]


def test_rarer_meters_are_added_and_what_a_price_took_apart_is_put_together(
    store: LedgerStore,
) -> None:
    apart = '{"output_reasoning":[40,"0.00012"],"request":[1,"0.01"],"web_search":[2,"0.02"]}'
    store.append([at(0, other_meters=apart), at(1, other_meters=apart), at(2)])
    (found,) = usage_sums(store, *EVER, Cuts())
    assert dict(found.quantities) == {
        "input": 480,
        "cache_read": 3456,
        "output": 252 + 80,
        "web_search": 4,
    }


def test_what_has_no_price_of_its_own_is_left_out(store: LedgerStore) -> None:
    store.append(
        [
            at(0, status="failed"),
            at(1, status="cached"),
            at(2, status="unpriced", usage_status="estimated"),
            at(3, status="unpriced", unpriced_reason="unknown_model"),
        ]
    )
    (found,) = usage_sums(store, *EVER, Cuts())
    assert found.requests == 1


def test_a_sum_survives_json(store: LedgerStore) -> None:
    store.append([at(0)])
    (found,) = usage_sums(store, *EVER, Cuts())
    assert usage_from_json(usage_json(found)) == found


def test_models_in_use_come_with_what_became_of_their_calls(store: LedgerStore) -> None:
    unknown = at(2, response_model="gpt-99", status="unpriced", unpriced_reason="unknown_model")
    store.append([at(0), at(1), unknown._replace(cost_usd=0)])
    found = models_in_use(store, *EVER)
    assert [(used.response_model, used.unpriced_reason, used.requests) for used in found] == [
        ("gpt-5-mini-2025-08-07", "", 2),
        ("gpt-99", "unknown_model", 1),
    ]
    assert found[0].cost_pico == 473_600_000
