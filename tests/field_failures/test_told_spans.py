"""Failures of other tools with spans that say less, more or something else than they expected."""

from __future__ import annotations

import pytest

from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.service import Service
from tests.field_failures.told import Told, arrive, just_now
from tests.support.otlp import CHAT

KNOWN_NAMES = (
    ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"),
    ("llm.usage.prompt_tokens", "llm.usage.completion_tokens"),
    ("llm.token_count.prompt", "llm.token_count.completion"),
    ("ai.usage.promptTokens", "ai.usage.completionTokens"),
    ("ai.usage.inputTokens", "ai.usage.outputTokens"),
)
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4.1"}
STATUSES = ("reported", "missing", "partial", "estimated")


def tell(
    service: Service, attributes: dict[str, object], times: int = 1, began_ms: int = 0
) -> None:
    """Spans of some library, each in a trace of its own."""
    numbers = range(1, times + 1)
    spans = [Told(n, 0, "some.library", "chat", attributes, trace=n) for n in numbers]
    arrive(service, spans, began_ms or just_now())


def with_status(status: str) -> dict[str, object]:
    """A call whose usage is known in one of the ways."""
    told = {**CHAT, "taximeter.usage_status": status}
    if status == "missing":
        told = {key: value for key, value in told.items() if ".usage." not in key}
    del told["gen_ai.response.id"]
    return told


def value(service: Service, name: str, **labels: str) -> float:
    return service.metrics.registry.get_sample_value(name, labels) or 0


def rows(service: Service) -> list[tuple[object, ...]]:
    return service.store.read(
        "select status, unpriced_reason, (cost_usd * 1000000)::integer from calls"
    )


@pytest.mark.parametrize("names", KNOWN_NAMES)
def test_a_renamed_attribute_gave_0(service: Service, names: tuple[str, str]) -> None:
    tell(service, {**CALL, names[0]: 1000, names[1]: 100})
    # 1000 x $2 + 100 x $8, in millionths of a dollar.
    assert rows(service) == [("priced", "", 2800)]


def test_a_name_nobody_knows_gave_0_and_nobody_knew(service: Service) -> None:
    tell(service, {**CALL, "gen_ai.usage.tokens_in": 1000, "gen_ai.usage.tokens_out": 100})
    assert rows(service) == [("unpriced", "no_usage", 0)]
    name = "taximeter_ingest_unknown_usage_keys_total"
    assert value(service, name, key="gen_ai.usage.tokens_in") == 1
    assert value(service, name, key="gen_ai.usage.tokens_out") == 1


def test_a_row_was_dropped_when_its_logging_object_was_missing(service: Service) -> None:
    # No response, no tags, no provider, no status: what is billed is there, so the row is.
    tell(service, {**CALL, "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}, 5)
    assert rows(service) == [("priced", "", 2800)] * 5


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_of_usage_is_counted_once(service: Service, status: str) -> None:
    began_ms = just_now()
    for _ in range(2):
        tell(service, with_status(status), 3, began_ms)
    name = "taximeter_usage_status_total"
    counted = {each: value(service, name, status=each, provider="openai") for each in STATUSES}
    assert counted == {**dict.fromkeys(STATUSES, 0), status: 3}


@pytest.mark.parametrize(
    ("status", "reason"), [("missing", "no_usage"), ("estimated", "estimated_usage")]
)
def test_unknown_usage_is_unpriced_and_no_free_call(
    service: Service, status: str, reason: str
) -> None:
    tell(service, with_status(status))
    assert rows(service) == [("unpriced", reason, 0)]
    assert unpriced_of(service.counters) == {reason: 1}


def test_partial_usage_is_priced_as_far_as_it_goes(service: Service) -> None:
    tell(service, with_status("partial"))
    assert service.store.read("select status, usage_status, cost_usd::varchar from calls") == [
        ("priced", "partial", "0.000236800000")
    ]


def unpriced_of(counters: CostCounters) -> dict[str, float]:
    """`taximeter_unpriced_requests_total` by reason."""
    return {
        sample.labels["reason"]: sample.value
        for family in counters.collect(2**62)
        if family.name == "taximeter_unpriced_requests"
        for sample in family.samples
        if sample.name.endswith("_total")
    }
