"""Turns dates into days of labelled demo history: LLM calls as OTLP bodies of 512 spans.

What happened on a date depends on the date and the seed alone, ids included, so posting it again
changes nothing in a ledger. 20 days before the end prompt caching starts in `support-chat`; 9 days
before the end one tenant's agent runs in a loop; in the last week a model without a price is tried.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from taximeter import attributes
from taximeter_processor.demo.workload import FEATURES, Feature, some_tenant

LABEL: Final = "demo-history"
"""Service name and environment of every span made here."""
SPANS_A_BODY: Final = 512

CACHING_STARTED_DAYS_AGO: Final = 20
CACHED_SHARE: Final = 0.8
LOOP_DAYS_AGO: Final = 9
LOOP_CALLS: Final = 250
TRIAL_DAYS: Final = 7
TRIAL_MODEL: Final = "atlas-7b-in-house"

_WEEKDAY_FACTORS: Final = (1.0, 1.06, 1.04, 1.0, 0.9, 0.35, 0.3)
_GROWTH_PER_DAY: Final = 0.006
_NO_TEAM_SHARE: Final = 0.01
_TRIAL_SHARE: Final = 0.1
_NS: Final = 1_000_000_000


class PastCall(NamedTuple):
    """One call of the history; counts as in the span, cached tokens inside the input."""

    trace_id: bytes
    span_id: bytes
    start_ns: int
    duration_ns: int
    feature: Feature
    tenant: str
    team: str
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int


def calls(days: int, today: date, seed: int = 1) -> list[PastCall]:
    """The calls of the `days` days before `today`, oldest day first."""
    return [
        call
        for age in range(days, 0, -1)
        for feature in FEATURES
        for call in _calls_of_day(today - timedelta(days=age), age, feature, seed)
    ]


def bodies(past: Iterable[PastCall]) -> Iterator[tuple[bytes, int]]:
    """OTLP protobuf bodies, each with the number of its spans."""
    iterator = iter(past)
    while batch := list(islice(iterator, SPANS_A_BODY)):
        yield to_otlp(batch), len(batch)


def to_otlp(batch: Iterable[PastCall]) -> bytes:
    """One `ExportTraceServiceRequest`, as Taximeter's own instrumentation would send it."""
    resource = Resource(
        attributes=_attributes({"service.name": LABEL, "deployment.environment.name": LABEL})
    )
    scope = ScopeSpans(
        scope=InstrumentationScope(name=attributes.SCOPE_NAME),
        spans=[_span(call) for call in batch],
        schema_url=attributes.SCHEMA_URL,
    )
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope])]
    )
    return request.SerializeToString()


def _calls_of_day(day: date, age: int, feature: Feature, seed: int) -> Iterator[PastCall]:
    generator = random.Random(f"{seed}/{day.isoformat()}/{feature.name}")
    expected = feature.calls_a_day * _WEEKDAY_FACTORS[day.weekday()] / (1 + _GROWTH_PER_DAY) ** age
    count = round(expected * generator.uniform(0.92, 1.08))
    for _ in range(count):
        yield _call(generator, day, age, feature, some_tenant(generator))
    if feature.name == "agent" and age == LOOP_DAYS_AGO:
        for _ in range(LOOP_CALLS):
            yield _call(generator, day, age, feature, "initech")


def _call(generator: random.Random, day: date, age: int, feature: Feature, tenant: str) -> PastCall:
    input_tokens = round(feature.input_tokens * generator.lognormvariate(0, 0.35))
    output_tokens = round(feature.output_tokens * generator.lognormvariate(0, 0.3))
    return PastCall(
        trace_id=generator.randbytes(16),
        span_id=generator.randbytes(8),
        start_ns=_start_ns(generator, day, feature),
        duration_ns=round(generator.uniform(0.2, 9) * _NS),
        feature=feature,
        tenant=tenant,
        team="" if generator.random() < _NO_TEAM_SHARE else feature.team,
        model=_model(generator, age, feature),
        input_tokens=input_tokens,
        cached_tokens=round(input_tokens * _cached_share(age, feature)) // 128 * 128,
        output_tokens=output_tokens,
        reasoning_tokens=round(output_tokens * feature.reasoning_share),
    )


def _start_ns(generator: random.Random, day: date, feature: Feature) -> int:
    """Batches run before dawn, people work around 14:00; nothing is left for the next midnight."""
    first, last, busiest = (0, 5, 2) if feature.request_type == "batch" else (6, 23, 14)
    midnight = datetime.combine(day, time(), tzinfo=timezone.utc)
    offset_us = round(generator.triangular(first, last, busiest) * 3600 * 1_000_000)
    return int(midnight.timestamp()) * _NS + offset_us * 1000


def _model(generator: random.Random, age: int, feature: Feature) -> str:
    is_trial = feature.name == "doc-extraction" and age <= TRIAL_DAYS
    return TRIAL_MODEL if is_trial and generator.random() < _TRIAL_SHARE else feature.model


def _cached_share(age: int, feature: Feature) -> float:
    if feature.name == "support-chat" and age <= CACHING_STARTED_DAYS_AGO:
        return CACHED_SHARE
    return 0.4 if feature.name == "agent" else 0.0


def _span(call: PastCall) -> Span:
    span = Span()
    span.CopyFrom(_common_span(call.feature, call.model, call.tenant, call.team))
    span.trace_id = call.trace_id
    span.span_id = call.span_id
    span.start_time_unix_nano = call.start_ns
    span.end_time_unix_nano = call.start_ns + call.duration_ns
    for name, count in (
        (attributes.INPUT_TOKENS, call.input_tokens),
        (attributes.OUTPUT_TOKENS, call.output_tokens),
        (attributes.CACHE_READ_INPUT_TOKENS, call.cached_tokens),
        (attributes.REASONING_OUTPUT_TOKENS, call.reasoning_tokens),
    ):
        span.attributes.add(key=name).value.int_value = count
    response_id = f"{LABEL}-{call.span_id.hex()}"
    span.attributes.add(key=attributes.RESPONSE_ID).value.string_value = response_id
    return span


@lru_cache(maxsize=1024)
def _common_span(feature: Feature, model: str, tenant: str, team: str) -> Span:
    """What the calls of one tenant to one feature share: copying it is what makes this fast."""
    values = {
        attributes.OPERATION_NAME: feature.operation,
        attributes.PROVIDER_NAME: "in-house" if model == TRIAL_MODEL else "openai",
        attributes.REQUEST_MODEL: model,
        attributes.RESPONSE_MODEL: model,
        attributes.SERVICE_TIER: "standard",
        attributes.USAGE_STATUS: "reported",
        attributes.FEATURE: feature.name,
        attributes.TENANT: tenant,
        attributes.TEAM: team,
        attributes.REQUEST_TYPE: feature.request_type,
    }
    return Span(
        name=f"{feature.operation} {model}",
        kind=Span.SPAN_KIND_CLIENT,
        attributes=_attributes({name: text for name, text in values.items() if text}),
    )


def _attributes(values: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]
