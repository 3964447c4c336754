"""Numbers in, losses out: only what never came counts, and only once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from taximeter import spans
from taximeter.providers.base import Facts
from taximeter.spans import Outcome, Request
from taximeter_processor import gaps
from taximeter_processor.gaps import GRACE_US, Gaps, Losses, arrivals
from taximeter_processor.ledger.arrivals import Arrival
from taximeter_processor.model import Span
from taximeter_processor.names import OVERFLOW_VALUE, UNKNOWN_VALUE

STARTED_US = 1_795_003_200_000_000


def process(name: int = 0, born_seconds_later: int = 120) -> str:
    """The name of a process that began that long after the processor did."""
    return f"{STARTED_US // 1000 + born_seconds_later * 1000:012x}{name:08x}"


YOUNG = process()
OLD = process(born_seconds_later=-120)


def arrived(numbers: Iterable[int], name: str = YOUNG, service: str = "api") -> list[Arrival]:
    return [(name, number, service) for number in numbers]


def values_of_a_span() -> Mapping[str, object]:
    """What the instrumentation writes on a span of this process."""
    span = TracerProvider().get_tracer("test").start_span("chat")
    request = Request("openai", "chat", None, "api.openai.com", 443, None, {})
    spans.end(span, request, Facts(), Outcome(), latest_conventions=False)
    return getattr(span, "attributes", None) or {}


class Meter:
    """Gaps with a clock, and everything they have counted so far."""

    def __init__(self) -> None:
        self.gaps = Gaps(STARTED_US)
        self.now_us = STARTED_US
        self.missing: Counter[str] = Counter()
        self.recovered: Counter[str] = Counter()

    def take(self, *numbers: int, name: str = YOUNG, service: str = "api") -> None:
        self._add(self.gaps.observe(arrived(numbers, name, service), self.now_us))

    def wait(self, microseconds: int = GRACE_US) -> None:
        self.now_us += microseconds
        self._add(self.gaps.observe((), self.now_us))

    def _add(self, losses: Losses) -> None:
        self.missing += losses.missing
        self.recovered += losses.recovered


@pytest.fixture
def meter() -> Meter:
    return Meter()


def test_a_number_that_never_came_is_missing_after_the_grace_and_not_before(meter: Meter) -> None:
    meter.take(1, 2, 4)
    meter.wait(GRACE_US - 1)
    assert meter.missing == {}
    meter.wait(1)
    assert meter.missing == {"api": 1}


def test_the_first_spans_of_a_young_process_can_be_missing(meter: Meter) -> None:
    meter.take(4, 5)
    meter.wait()
    assert meter.missing == {"api": 3}


def test_a_missing_span_is_counted_once(meter: Meter) -> None:
    meter.take(1, 3)
    meter.wait()
    meter.take(4)
    meter.wait()
    assert meter.missing == {"api": 1}


def test_what_comes_late_but_within_the_grace_was_never_missing(meter: Meter) -> None:
    meter.take(1, 5)
    meter.wait(GRACE_US - 1)
    meter.take(3, 2, 4)
    meter.wait()
    assert (meter.missing, meter.recovered) == ({}, {})


def test_what_comes_after_it_was_counted_is_recovered_once(meter: Meter) -> None:
    meter.take(1, 5)
    meter.wait()
    meter.take(3, 3)
    meter.wait()
    assert (meter.missing, meter.recovered) == ({"api": 3}, {"api": 1})


def test_a_gap_split_by_a_recovery_is_not_counted_again(meter: Meter) -> None:
    meter.take(1, 5)
    meter.wait()
    meter.take(3, 7)
    meter.wait()
    assert meter.missing == {"api": 4}  # 2, 3, 4, then 6


def test_a_restart_of_the_processor_counts_nothing_of_what_came_before_it(meter: Meter) -> None:
    meter.take(5001, 5000, 5003, name=OLD)
    meter.wait()
    assert meter.missing == {"api": 1}  # 5002


def test_a_process_without_a_birth_in_its_name_is_judged_from_its_first_number(
    meter: Meter,
) -> None:
    meter.take(7, 9, name="f00dfeedf00dfeed")
    meter.wait()
    assert meter.missing == {"api": 1}


def test_a_clock_that_is_a_little_ahead_makes_no_process_young(meter: Meter) -> None:
    meter.take(1000, name=process(born_seconds_later=59))
    meter.wait()
    assert meter.missing == {}


def test_the_instrumentation_s_own_name_of_a_process_tells_when_it_began() -> None:
    name = str(values_of_a_span()["taximeter.process"])
    old, young = Gaps(time.time_ns() // 1000), Gaps(time.time_ns() // 1000 - 86_400_000_000)
    for known in (old, young):
        known.observe(arrived([3], name), 0)
    assert old.observe((), GRACE_US).missing == {}
    assert young.observe((), GRACE_US).missing == {"api": 2}


def test_processes_are_judged_apart_and_counted_by_service(meter: Meter) -> None:
    meter.take(1, 3, name=process(1), service="api")
    meter.take(2, name=process(2), service="worker")
    meter.take(2, name=process(3), service="worker")
    meter.take(2, name=process(4), service="")
    meter.wait()
    assert meter.missing == {"api": 1, "worker": 2, UNKNOWN_VALUE: 1}


def test_one_gap_too_many_is_settled_early_and_exactly(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "MOST_GAPS", 2)
    meter.take(1, 4, 6, 8)
    assert meter.missing == {"api": 2}  # 2 and 3
    meter.wait()
    assert meter.missing == {"api": 4}


def test_a_forgotten_process_is_settled_and_judged_anew_when_it_returns(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "MOST_PROCESSES", 1)
    meter.take(1, 3, name=process(1))
    meter.take(1, name=process(2))
    assert meter.missing == {"api": 1}
    meter.take(9, 11, name=process(1))
    meter.wait()
    assert meter.missing == {"api": 2}  # the 2 of before, and 10


def test_past_the_limit_services_are_counted_together(
    meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "MOST_SERVICES", 1)
    meter.take(2, name=process(1), service="api")
    meter.take(2, name=process(2), service="worker")
    meter.wait()
    assert meter.missing == {"api": 1, OVERFLOW_VALUE: 1}


@given(st.data())
def test_no_order_and_no_repeat_of_everything_is_a_loss(data: st.DataObject) -> None:
    numbers = list(range(1, data.draw(st.integers(1, 60)) + 1))
    repeats = data.draw(st.lists(st.sampled_from(numbers)))
    meter = Meter()
    meter.take(*data.draw(st.permutations(numbers + repeats)))
    meter.wait()
    assert (meter.missing, meter.recovered) == ({}, {})


@given(numbers=st.lists(st.integers(1, 200), min_size=1), cuts=st.sets(st.integers(0, 100)))
def test_exactly_what_is_below_the_highest_and_did_not_come_is_missing(
    numbers: list[int], cuts: set[int]
) -> None:
    meter = Meter()
    for index, number in enumerate(numbers):
        meter.take(number)
        if index in cuts:
            meter.wait()
    meter.wait()
    lost = max(numbers) - len(set(numbers))
    assert meter.missing["api"] - meter.recovered["api"] == lost


@pytest.mark.parametrize(
    ("name", "number"), [("a", 0), ("a", -1), ("a", "7"), ("a", 2**53 + 1), ("", 3), ("a" * 65, 3)]
)
def test_a_number_that_no_process_counts_is_ignored(name: str, number: int | str) -> None:
    numbered = {"taximeter.process": name, "taximeter.sequence": number}
    span = Span("a" * 32, "b" * 16, "", "chat", 1, 2, False, numbered, {}, "taximeter")
    assert list(arrivals([span])) == []
