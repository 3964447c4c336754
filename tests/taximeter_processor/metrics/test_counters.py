"""Counters are a function of the ledger: applied live or seeded from it, they are the same."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.registry import Collector, CollectorRegistry

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.metrics.counters import CostCounters
from tests.support.records import CALL, NOON_US, call, calls

LATER_US = NOON_US + 3_600_000_000
LABELS = {
    "feature": "search",
    "team": "growth",
    "request_type": "interactive",
    "provider": "openai",
    "model": "gpt-5-mini",
    "environment": "prod",
}


class _At(Collector):
    def __init__(self, counters: CostCounters, now_us: int) -> None:
        self.families = list(counters.collect(now_us))

    def collect(self):  # type: ignore[no-untyped-def]
        return self.families


def value_at(
    now_us: int, counters: CostCounters, name: str, labels: dict[str, str]
) -> float | None:
    """What Prometheus would see at a moment."""
    registry = CollectorRegistry()
    registry.register(_At(counters, now_us))
    return registry.get_sample_value(name, labels)


def value(counters: CostCounters, name: str, **labels: str) -> float | None:
    """What Prometheus would see when nothing is held any more."""
    return value_at(LATER_US, counters, name, labels)


def counted(*records: Record, limit: int = 20_000) -> CostCounters:
    counters = CostCounters(limit)
    counters.apply(records)
    return counters


@pytest.mark.parametrize(
    ("meter", "usd", "quantity"),
    [("input", 0.00004, 160), ("cache_read", 0.0000288, 1152), ("output", 0.000168, 84)],
)
def test_a_priced_call_counts_cost_and_quantity_of_each_meter(
    meter: str, usd: float, quantity: int
) -> None:
    counters = counted(CALL)
    assert value(counters, "taximeter_cost_usd_total", **LABELS, meter=meter) == usd
    assert value(counters, "taximeter_usage_total", **LABELS, meter=meter) == quantity


def test_meters_that_were_not_used_have_no_series() -> None:
    assert value(counted(CALL), "taximeter_cost_usd_total", **LABELS, meter="cache_write") is None


def test_rarer_meters_are_counted_from_their_json() -> None:
    record = call(1, other_meters='{"web_search": [2, "0.02"]}')
    counters = counted(record)
    assert value(counters, "taximeter_cost_usd_total", **LABELS, meter="web_search") == 0.02
    assert value(counters, "taximeter_usage_total", **LABELS, meter="web_search") == 2


def test_what_the_prompt_cache_saved_is_list_minus_paid() -> None:
    # 1152 cached tokens at $0.225 a million less.
    saved = value(counted(CALL), "taximeter_saved_usd_total", **LABELS, source="prompt_cache")
    assert saved == 0.0002592


def test_a_premium_tier_costs_extra() -> None:
    record = call(1, list_cost_usd=236_800_000, tier_saved_usd=-100_000_000, cost_usd=336_800_000)
    record = record._replace(first_cost_usd=336_800_000)
    counters = counted(record)
    assert value(counters, "taximeter_extra_usd_total", **LABELS, source="tier") == 0.0001
    assert value(counters, "taximeter_saved_usd_total", **LABELS, source="prompt_cache") is None


def test_a_cached_answer_costs_nothing_and_saves_its_price() -> None:
    record = call(1, status="cached", cost_usd=0, first_cost_usd=0, list_cost_usd=236_800_000)
    record = record._replace(input_cost_usd=0, cache_read_cost_usd=0, output_cost_usd=0)
    counters = counted(record)
    saved = value(counters, "taximeter_saved_usd_total", **LABELS, source="response_cache")
    assert saved == 0.0002368
    assert value(counters, "taximeter_usage_total", **LABELS, meter="output") is None
    assert value(counters, "taximeter_requests_total", **LABELS, status="cached") == 1


def test_an_unpriced_call_is_counted_with_its_reason() -> None:
    record = call(1, status="unpriced", unpriced_reason="unknown_model", cost_usd=0)
    counters = counted(record._replace(first_cost_usd=0, list_cost_usd=0))
    labels = {name: LABELS[name] for name in ("feature", "team", "provider", "model")}
    name = "taximeter_unpriced_requests_total"
    assert value(counters, name, **labels, reason="unknown_model") == 1


def test_a_young_label_set_is_shown_at_zero_and_its_money_as_held() -> None:
    counters = counted(CALL)
    young = CALL.ingested_at + 119_999_999
    assert value_at(young, counters, "taximeter_cost_usd_total", {**LABELS, "meter": "input"}) == 0
    assert value_at(young, counters, "taximeter_counter_held_usd", {}) == 0.0002368


def test_a_label_set_of_the_hold_s_age_is_shown_whole() -> None:
    counters = counted(CALL)
    grown = CALL.ingested_at + 120_000_000
    assert (
        value_at(grown, counters, "taximeter_cost_usd_total", {**LABELS, "meter": "input"})
        == 0.00004
    )
    assert value_at(grown, counters, "taximeter_counter_held_usd", {}) == 0


def test_a_meter_first_used_later_is_born_at_zero_too() -> None:
    later = CALL.ingested_at + 1_000_000_000
    writes = call(1, ingested_at=later, cache_write_quantity=10, cache_write_cost_usd=7 * 10**12)
    counters = counted(CALL, writes)
    labels = {**LABELS, "meter": "cache_write"}
    assert value_at(later + 1, counters, "taximeter_cost_usd_total", labels) == 0
    assert value_at(later + 1, counters, "taximeter_counter_held_usd", {}) == 7
    assert value_at(later + 120_000_000, counters, "taximeter_cost_usd_total", labels) == 7


def test_a_scrape_while_counting_is_of_one_moment() -> None:
    counters = CostCounters(birth_hold_seconds=0)
    records = [call(n, feature=f"f{n}") for n in range(3000)]

    def count_them() -> None:
        for record in records:
            counters.apply([record])

    writer = threading.Thread(target=count_them)
    writer.start()
    while writer.is_alive():
        samples = [s for family in counters.collect(LATER_US) for s in family.samples]
        requests = sum(s.value for s in samples if s.name == "taximeter_requests_total")
        counted_calls = sum(
            s.value for s in samples if s.name == "taximeter_request_cost_usd_count"
        )
        assert requests == counted_calls
    writer.join()


def test_which_label_sets_collapse_is_the_same_after_a_restart(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    records = [call(n, model=f"m{n:03}") for n in reversed(range(150))]
    applied, seeded = CostCounters(100), CostCounters(100)
    applied.apply(store.append(records))
    seeded.seed(store, "main")
    store.close()
    assert {s.labels for s in seeded.cost} == {s.labels for s in applied.cost}


def test_backfilled_money_is_counted_apart() -> None:
    counters = counted(call(1, is_backfill=True))
    assert value(counters, "taximeter_cost_usd_total", **LABELS, meter="input") is None
    name = "taximeter_backfilled_cost_usd_total"
    assert value(counters, name, feature="search", team="growth") == 0.0002368


def test_absent_tags_are_shown_as_unknown() -> None:
    counters = counted(call(1, feature="", team=""))
    labels = {**LABELS, "feature": "unknown", "team": "unknown"}
    assert value(counters, "taximeter_requests_total", **labels, status="priced") == 1


def test_the_histogram_counts_each_priced_call_in_its_bucket() -> None:
    counters = counted(CALL, call(1, first_cost_usd=100_000_000))
    bucket = "taximeter_request_cost_usd_bucket"
    assert value(counters, bucket, feature="search", le="0.0001") == 1
    assert value(counters, bucket, feature="search", le="0.0003") == 2
    assert value(counters, "taximeter_request_cost_usd_sum", feature="search") == 0.0003368


def test_beyond_the_limit_the_model_and_then_the_request_type_collapse_never_the_feature() -> None:
    records = [call(n, model=f"m{n}", feature="a") for n in range(4)]
    counters = counted(*records, limit=2)
    assert [series.labels[4] for series in counters.cost] == ["m0", "m1", "other"]
    assert {series.labels[0] for series in counters.cost} == {"a"}
    assert value(counters, "taximeter_label_overflow_total", label="model") == 2


def test_label_sets_stay_bounded_whatever_arrives() -> None:
    counters = counted(*[call(n, feature=f"f{n}", model=f"m{n}") for n in range(500)], limit=10)
    assert len(counters.cost) <= 21
    assert counters.totals(LATER_US)["counted"] == 500 * 236_800_000


_RECORDS = st.lists(
    st.builds(
        lambda feature, model, pico, status, backfill, other: (
            feature,
            model,
            pico,
            status,
            backfill,
            other,
        ),
        st.sampled_from(["a", "b", ""]),
        st.sampled_from(["m", "n"]),
        st.integers(0, 10**15),
        st.sampled_from(["priced", "unpriced", "failed"]),
        st.booleans(),
        st.sampled_from([None, '{"web_search": [1, "0.01"]}', '{"input_audio": [7, "0.000001"]}']),
    ),
    max_size=12,
)


def _record(number: int, drawn: tuple[str, str, int, str, bool, str | None]) -> Record:
    feature, model, pico, status, backfill, other = drawn
    cost = pico if status == "priced" else 0
    return call(
        number,
        feature=feature,
        model=model,
        status=status,
        is_backfill=backfill,
        unpriced_reason="unknown_model" if status == "unpriced" else "",
        ingested_at=NOON_US + number,
        input_cost_usd=cost,
        cache_read_cost_usd=0,
        output_cost_usd=0,
        cost_usd=cost,
        first_cost_usd=cost,
        list_cost_usd=cost + 5,
        other_meters=other if status == "priced" else None,
    )


@given(_RECORDS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_seeding_from_the_ledger_gives_what_applying_gave(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[str, str, int, str, bool, str | None]],
) -> None:
    records = [_record(number, one) for number, one in enumerate(drawn)]
    store = DuckDBStore(tmp_path_factory.mktemp("seed") / "l.duckdb")
    applied, seeded = CostCounters(), CostCounters()
    applied.apply(
        store.append([*records, *calls(3, writer="other", trace_id="e" * 32)][: len(records)])
    )
    seeded.seed(store, "main")
    store.close()
    assert _samples(seeded) == _samples(applied)
    assert seeded.totals(LATER_US) == applied.totals(LATER_US)


def test_seeding_leaves_other_writers_rows_out(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append([CALL, call(1, writer="second")])
    counters = CostCounters()
    counters.seed(store, "main")
    store.close()
    assert counters.totals(LATER_US)["counted"] == 236_800_000


def test_a_birth_is_held_from_when_it_is_counted_whatever_the_clock_told_at_its_arrival() -> None:
    counters = CostCounters(birth_hold_seconds=120)
    an_hour_us = 3_600_000_000
    now_us = CALL.ingested_at + an_hour_us
    counters.apply([CALL], now_us)
    just_before, then = now_us + 119_000_000, now_us + 120_000_000
    assert counters.totals(just_before) == {"counted": 0, "held": 236_800_000, "backfilled": 0}
    assert counters.totals(then) == {"counted": 236_800_000, "held": 0, "backfilled": 0}


def test_what_was_born_before_the_clock_was_set_back_stays_shown_after_a_restart(
    tmp_path: Path,
) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append([CALL])
    counters = CostCounters(birth_hold_seconds=120)
    an_hour_before = CALL.ingested_at - 3_600_000_000
    counters.seed(store, "main", an_hour_before)
    store.close()
    for now_us in (an_hour_before, CALL.ingested_at + 1):
        assert counters.totals(now_us)["counted"] == 236_800_000


def _samples(counters: CostCounters) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in counters.collect(LATER_US)
        for sample in family.samples
    }
