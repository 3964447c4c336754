"""Each call is counted once: whoever tells of it, in whichever commit, also after a restart."""

from __future__ import annotations

from itertools import permutations

import pytest

from taximeter_processor.ledger.identity import Links
from taximeter_processor.ledger.record import Record
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.reports.verify import verify
from tests.support.records import CALL, NOON_US
from tests.taximeter_processor.ledger.conftest import Reopen

LATER_US = NOON_US + 60_000_000
CONTRIB = "opentelemetry.instrumentation.openai_v2"
# Another library's `chat` span, around Taximeter's own of the same response.
OUTER = CALL._replace(
    span_id="1" * 16, emitter=CONTRIB, dialect="otel", team="", response_id="resp-1",
    start_time=NOON_US, end_time=NOON_US + 2_000_000,
)  # fmt: skip
INNER = CALL._replace(
    span_id="2" * 16, emitter="taximeter", dialect="taximeter", response_id="resp-1",
    parent_span_id="1" * 16, start_time=NOON_US + 100, end_time=NOON_US + 1_900_000, tenant="",
)  # fmt: skip
# A span without an operation, whose counts are those of the two calls below it.
FIRST, SECOND = (
    CALL._replace(
        span_id=str(n) * 16, parent_span_id="9" * 16, emitter="library", dialect="otel",
        response_id="", start_time=NOON_US + n * 1000, end_time=NOON_US + n * 1000 + 500,
    )
    for n in (3, 4)
)  # fmt: skip
SUM = CALL._replace(
    span_id="9" * 16, emitter="library", dialect="otel_unnamed", response_id="",
    input_tokens=2 * (CALL.input_tokens or 0), output_tokens=2 * (CALL.output_tokens or 0),
    start_time=NOON_US, end_time=NOON_US + 10_000,
)  # fmt: skip


def append_apart(reopen: Reopen, *records: Record) -> LedgerStore:
    """Each row in a commit of its own, by a process of its own."""
    store = reopen()
    for record in records:
        store = reopen()
        store.append([record])
    return store


def spans(store: LedgerStore, table: str = "calls") -> list[str]:
    return [row[0][0] for row in store.read(f"select span_id from {table} order by span_id")]


def assert_adds_up(store: LedgerStore) -> None:
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, "main")
    proof = verify(store, "main", counters, LATER_US)
    assert proof["ok"], proof


@pytest.mark.parametrize("order", [(OUTER, INNER), (INNER, OUTER)])
def test_two_tellings_in_one_commit_are_one_call_and_ours_is_believed(
    store: LedgerStore, order: tuple[Record, ...]
) -> None:
    store.append(order)
    assert spans(store) == ["2"]
    assert spans(store, "duplicates") == ["1"]
    assert_adds_up(store)


@pytest.mark.parametrize("order", [(OUTER, INNER), (INNER, OUTER)])
def test_two_tellings_in_two_processes_are_one_call_with_the_tags_of_both(
    reopen: Reopen, order: tuple[Record, ...]
) -> None:
    store = append_apart(reopen, *order)
    assert store.read("select count(*), min(team), min(tenant), min(dialect) from calls") == [
        (1, CALL.team, CALL.tenant, "taximeter")
    ]
    assert len(spans(store, "duplicates")) == 1
    assert_adds_up(store)


def test_a_richer_telling_restates_the_money_and_the_counters_stay(reopen: Reopen) -> None:
    poor = OUTER._replace(
        input_quantity=0, input_cost_usd=0, output_cost_usd=0, output_quantity=0,
        cache_read_cost_usd=0, cache_read_quantity=0, cost_usd=0, first_cost_usd=0,
        status="unpriced", unpriced_reason="no_usage", usage_status="missing",
        input_tokens=None, output_tokens=None, list_cost_usd=0,
    )  # fmt: skip
    store = append_apart(reopen, poor, INNER)
    ((cost, first),) = store.read("select cost_usd, first_cost_usd from calls")
    assert str(cost) == "0.000236800000"
    assert first == 0
    assert_adds_up(store)


def test_a_duplicate_that_is_delivered_again_stays_one(reopen: Reopen) -> None:
    store = append_apart(reopen, OUTER, INNER, INNER, OUTER)
    assert (len(spans(store)), len(spans(store, "duplicates"))) == (1, 1)
    assert_adds_up(store)


def test_one_emitter_that_reuses_a_response_id_tells_of_two_calls(reopen: Reopen) -> None:
    store = append_apart(reopen, INNER, INNER._replace(span_id="5" * 16))
    assert spans(store) == ["2", "5"]


def test_a_gateway_s_cached_answer_keeps_its_response_id_and_is_a_call_of_its_own(
    reopen: Reopen,
) -> None:
    first = INNER._replace(emitter="litellm", dialect="otel")
    again = first._replace(
        span_id="5" * 16, start_time=first.end_time + 1, end_time=first.end_time + 1000
    )
    assert spans(append_apart(reopen, first, again)) == ["2", "5"]


def test_tellings_more_than_ten_minutes_apart_are_two_calls(reopen: Reopen) -> None:
    late = INNER._replace(
        trace_id="e" * 32, start_time=NOON_US + 601_000_000, end_time=NOON_US + 602_000_000
    )
    store = append_apart(reopen, OUTER, late)
    assert len(spans(store)) == 2


def test_a_gateway_in_another_trace_that_passes_the_response_id_on_is_the_same_call(
    reopen: Reopen,
) -> None:
    gateway = OUTER._replace(trace_id="e" * 32, emitter="litellm")
    store = append_apart(reopen, INNER, gateway)
    assert spans(store) == ["2"]


NAMELESS = INNER._replace(emitter="envoy", dialect="openinference", response_id="")


def test_a_gateway_that_names_no_response_in_a_trace_of_its_own_is_a_call_of_its_own(
    reopen: Reopen,
) -> None:
    store = append_apart(reopen, OUTER, NAMELESS._replace(trace_id="e" * 32))
    assert spans(store) == ["1", "2"]


def test_a_gateway_that_names_no_response_is_known_by_its_parent_whatever_its_clock_says(
    reopen: Reopen,
) -> None:
    store = append_apart(reopen, OUTER, NAMELESS._replace(end_time=OUTER.end_time + 5_000_000))
    assert len(spans(store)) == 1
    assert_adds_up(store)


def test_another_model_below_a_call_is_a_call_of_its_own(reopen: Reopen) -> None:
    other = INNER._replace(
        response_id="", model="claude", request_model="claude", response_model="claude"
    )
    store = append_apart(reopen, OUTER, other)
    assert spans(store) == ["1", "2"]


@pytest.mark.parametrize("order", list(permutations((SUM, FIRST, SECOND))))
def test_a_sum_of_calls_is_not_counted_whenever_it_comes(
    reopen: Reopen, order: tuple[Record, ...]
) -> None:
    store = append_apart(reopen, *order)
    assert spans(store) == ["3", "4"]
    assert spans(store, "duplicates") == ["9"]
    assert_adds_up(store)


BELOW = [record._replace(parent_span_id="8" * 16) for record in (FIRST, SECOND)]
LINKS = {(CALL.trace_id, "8" * 16): "9" * 16}


def test_a_sum_above_a_span_that_is_no_call_is_found_by_the_links(store: LedgerStore) -> None:
    assert len(store.append([*BELOW, SUM], links=LINKS)) == 2
    assert spans(store) == ["3", "4"]


@pytest.mark.parametrize("order", list(permutations(([SUM], BELOW, LINKS))))
def test_a_sum_is_found_whenever_the_span_in_between_comes(
    reopen: Reopen, order: tuple[list[Record] | Links, ...]
) -> None:
    for part in order:
        store = reopen()
        if isinstance(part, list):
            store.append(part)
        else:
            store.append([], links=part)
    assert spans(store) == ["3", "4"]
    assert_adds_up(store)


OUTERMOST = SUM._replace(span_id="7" * 16)
NESTED = SUM._replace(parent_span_id="8" * 16, start_time=NOON_US + 1, end_time=NOON_US + 9_000)
LINK_UP = {(CALL.trace_id, "8" * 16): "7" * 16}


@pytest.mark.parametrize(
    "order", list(permutations(([OUTERMOST], [NESTED], [FIRST, SECOND], LINK_UP)))
)
def test_a_sum_above_a_sum_is_found_in_every_order(
    store: LedgerStore, order: tuple[list[Record] | Links, ...]
) -> None:
    for part in order:
        if isinstance(part, list):
            store.append(part)
        else:
            store.append([], links=part)
    assert spans(store) == ["3", "4"]
    assert spans(store, "duplicates") == ["7", "9"]
    assert_adds_up(store)


def test_a_link_of_another_trace_leads_nowhere(store: LedgerStore) -> None:
    store.append([*BELOW, SUM], links={("e" * 32, "8" * 16): "9" * 16})
    assert spans(store) == ["3", "4", "9"]


def hours(record: Record, start: float, end: float) -> Record:
    return record._replace(
        start_time=NOON_US + round(start * 3_600_000_000),
        end_time=NOON_US + round(end * 3_600_000_000),
    )


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_sum_that_ran_for_a_day_finds_its_calls(reopen: Reopen, order: tuple[int, ...]) -> None:
    told = hours(SUM, 0, 24), hours(FIRST, 1, 1.1), hours(SECOND, 23.8, 23.9)
    store = append_apart(reopen, *(told[number] for number in order))
    assert spans(store) == ["3", "4"]
    assert_adds_up(store)


def test_what_begins_more_than_a_day_after_a_sum_is_not_looked_for(reopen: Reopen) -> None:
    told = hours(FIRST, 1, 1.1), hours(SECOND, 24.5, 24.6), hours(SUM, 0, 25)
    assert spans(append_apart(reopen, *told)) == ["3", "4", "9"]
