"""What a reader learnt, as the attributes of one numbered span."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from opentelemetry.trace import StatusCode

from taximeter import spans as described
from taximeter.providers.base import Facts
from taximeter.spans import Outcome, Request
from tests.taximeter.conftest import Spans

REQUEST = Request("openai", "chat", "gpt-4.1", "api.openai.com", 443, None, {})
USED = Facts(input_tokens=7, output_tokens=3)


def usage_status(facts: Facts, outcome: Outcome) -> object:
    return described.describe(REQUEST, facts, outcome)["taximeter.usage_status"]


def test_usage_is_reported_missing_or_partial() -> None:
    assert usage_status(USED, Outcome(200)) == "reported"
    assert usage_status(Facts(), Outcome(200)) == "missing"
    assert usage_status(USED, Outcome(200, is_cut_short=True)) == "partial"
    assert usage_status(Facts(), Outcome(200, is_cut_short=True)) == "partial"
    assert usage_status(Facts(), Outcome(429)) == "missing"
    assert usage_status(Facts(input_tokens=7, error_type="overloaded"), Outcome(200)) == "partial"


@pytest.mark.parametrize(
    ("tier", "written"),
    [
        ("default", "standard"),
        ("standard", "standard"),
        ("on_demand", "standard"),
        ("flex", "flex"),
        ("priority", "priority"),
        ("batch", "batch"),
        ("Scale", "scale"),
        ("ON_DEMAND", "standard"),
        ("ON_DEMAND_PRIORITY", "priority"),
        ("ON_DEMAND_FLEX", "flex"),
        ("PROVISIONED_THROUGHPUT", "provisioned"),
        ("reserved", "provisioned"),
        ("auto", None),
        (None, None),
    ],
)
def test_the_tier_is_the_one_served_in_one_spelling(tier: str | None, written: str | None) -> None:
    values = described.describe(REQUEST, Facts(service_tier=tier), Outcome(200))
    assert values.get("taximeter.service_tier") == written


def test_what_is_owed_upstream_is_told_beside_the_reported_cost() -> None:
    facts = Facts(reported_cost_usd=Decimal("0.000036"), upstream_cost_usd=Decimal("0.00072"))
    values = described.describe(REQUEST, facts, Outcome(200))
    assert values["taximeter.reported_cost_usd"] == "0.000036"
    assert values["taximeter.upstream_cost_usd"] == "0.00072"


@pytest.mark.parametrize(
    ("error_type", "outcome", "written"),
    [
        ("insufficient_quota", Outcome(429), "insufficient_quota"),
        ("_OTHER", Outcome(500), "500"),
        (None, Outcome(502), "502"),
        ("_OTHER", Outcome(200), "_OTHER"),
        (None, Outcome(exception="ReadTimeout"), "ReadTimeout"),
        (None, Outcome(200), None),
    ],
)
def test_an_error_has_the_most_specific_type(
    error_type: str | None, outcome: Outcome, written: str | None
) -> None:
    values = described.describe(REQUEST, Facts(error_type=error_type), outcome)
    assert values.get("error.type") == written


def test_zero_is_written_and_unknown_is_not() -> None:
    values = described.describe(REQUEST, Facts(input_tokens=0), Outcome(200))
    assert values["gen_ai.usage.input_tokens"] == 0
    assert "gen_ai.usage.output_tokens" not in values


def test_a_reported_cost_is_a_plain_decimal_string() -> None:
    values = described.describe(REQUEST, Facts(reported_cost_usd=Decimal("3.6E-5")), Outcome(200))
    assert values["taximeter.reported_cost_usd"] == "0.000036"


def test_a_span_without_a_model_is_named_by_its_operation() -> None:
    assert REQUEST._replace(model=None).span_name == "chat"


def ended(
    spans: Spans, facts: Facts, outcome: Outcome, *, latest_conventions: bool = False
) -> None:
    span = spans.provider.get_tracer("test").start_span("chat")
    described.end(span, REQUEST, facts, outcome, latest_conventions=latest_conventions)


def test_an_error_marks_the_span_without_words(spans: Spans) -> None:
    ended(spans, Facts(error_type="overloaded"), Outcome(529))
    status = spans.one().status
    assert (status.status_code, status.description) == (StatusCode.ERROR, None)
    assert spans.one().events == ()


def test_the_newest_name_of_cache_writes_comes_on_request(spans: Spans) -> None:
    facts = Facts(cache_write_tokens=5)
    ended(spans, facts, Outcome(200))
    ended(spans, facts, Outcome(200), latest_conventions=True)
    plain, latest = (dict(span.attributes or {}) for span in spans.all())
    assert plain["gen_ai.usage.cache_creation.input_tokens"] == 5
    assert "gen_ai.usage.cache_write.input_tokens" not in plain
    assert latest["gen_ai.usage.cache_creation.input_tokens"] == 5
    assert latest["gen_ai.usage.cache_write.input_tokens"] == 5


def test_spans_are_numbered_without_gaps(spans: Spans) -> None:
    for _ in range(3):
        ended(spans, USED, Outcome(200))
    numbers = [(span.attributes or {})["taximeter.sequence"] for span in spans.all()]
    first = numbers[0]
    assert isinstance(first, int)
    assert numbers == [first, first + 1, first + 2]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_is_a_process_of_its_own_and_counts_from_1(spans: Spans) -> None:
    ended(spans, USED, Outcome(200))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        ended(spans, USED, Outcome(200))
        mine = spans.all()[-1].attributes or {}
        told = (str(mine["taximeter.process"]), str(mine["taximeter.sequence"]))
        os.write(writing, " ".join(told).encode())
        os._exit(0)
    os.waitpid(child, 0)
    process, number = os.read(reading, 100).decode().split()
    assert number == "1"
    assert process != (spans.one().attributes or {})["taximeter.process"]
