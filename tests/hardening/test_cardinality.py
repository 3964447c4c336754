"""Tens of thousands of invented tags: metrics collapse as documented, money does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.hardening.conftest import Target
from tests.support.otlp import CHAT, proto_span, protobuf
from tests.support.raw_http import post_traces
from tests.support.servers import get

MIB = 1 << 20
LABEL_SETS = 1000
TENANTS = 50
BODIES = 40
SPANS = 1000
# One call costs $0.0002368.
TOTAL_USD = Decimal("0.0002368") * BODIES * SPANS


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """40,000 calls, each of a feature and a tenant nobody has heard of before."""
    server = Target(
        tmp_path_factory.mktemp("flooded"),
        limits={"label_sets": LABEL_SETS, "tenants": TENANTS},
    )
    server.start()
    for number in range(BODIES):
        assert post_traces(server.port, _invented(number)).status == 200
    yield server
    server.stop()


def _invented(number: int) -> bytes:
    spans = []
    now = time.time_ns()
    for index in range(number * SPANS + 1, (number + 1) * SPANS + 1):
        tags = {name: f"{name}-{index}" for name in ("feature", "tenant", "team", "request_type")}
        named = {f"taximeter.{name}": value for name, value in tags.items()}
        span = proto_span(index, {**CHAT, **named, "gen_ai.response.id": f"id-{index}"})
        span.start_time_unix_nano, span.end_time_unix_nano = now - 2 * 10**9, now - 10**9
        spans.append(span)
    return protobuf(*spans)


def series(target: Target) -> dict[str, int]:
    """How many series each family of the scrape has."""
    text = get(f"{target.url}/metrics", timeout=60)
    return {
        family.name: len({tuple(sorted(sample.labels.items())) for sample in family.samples})
        for family in text_string_to_metric_families(text)
    }


def test_label_sets_stay_within_twice_their_limit(flooded: Target) -> None:
    counted = series(flooded)
    most = 2 * LABEL_SETS + 10
    assert LABEL_SETS < counted["taximeter_requests"] <= most
    # Each has a series for each of the meters its calls used, and one feature has 15 of buckets.
    assert counted["taximeter_cost_usd"] <= 3 * most
    assert counted["taximeter_request_cost_usd"] <= 15 * (LABEL_SETS + 1)
    assert flooded.sample('taximeter_label_overflow_total{label="model"}') > 0


def test_named_tenants_stay_within_theirs(flooded: Target) -> None:
    text = get(f"{flooded.url}/metrics", timeout=60)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    tenants = {sample.labels["tenant"] for sample in families["taximeter_tenant_spend_usd"].samples}
    assert len(tenants) <= TENANTS + 1
    assert "other" in tenants


def test_the_ledger_knows_every_one_of_them_and_every_cent(flooded: Target) -> None:
    answer = flooded.api("costs", by="status")
    assert Decimal(answer["total"]["cost_usd"]) == TOTAL_USD
    assert flooded.api("costs", by="tenant", tenant="tenant-31415")["total"]["requests"] == 1
    flooded.still_works()


def test_memory_stays_bounded(flooded: Target) -> None:
    before = flooded.memory_bytes()
    for number in range(BODIES, BODIES + 10):
        assert post_traces(flooded.port, _invented(number)).status == 200
    assert series(flooded)
    assert flooded.memory_bytes() - before < 60 * MIB
    assert flooded.memory_bytes(peak=True) < 500 * MIB
