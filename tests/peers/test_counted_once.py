"""Beside another instrumentation a call is told twice, and priced once: from our span."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from taximeter.attributes import SCOPE_NAME
from taximeter_processor.pipeline import Accepted, Body
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings
from tests.support.otlp_sink import OtlpSink, spans_in
from tests.support.peers import python_of
from tests.support.provider import ReplayProvider

APP = Path(__file__).with_name("app.py")
PEERS = ("otel-genai", "openllmetry", "openinference")
SETUPS = (
    ("Taximeter first", "one exporter"),
    ("the peer first", "one exporter"),
    ("the peer first", "an endpoint of its own"),
)
CASES = [(peer, *setup) for peer in PEERS for setup in SETUPS]
# 19 x $2 + 10 x $8, and 160 x $0.25 + 1152 x $0.025 + 84 x $2 a million tokens.
ONCE = [
    ("gpt-4.1", "search", "growth", Decimal("0.000118")),
    ("gpt-5-mini", "search", "growth", Decimal("0.0002368")),
]


@cache
def exported(peer: str, order: str, destination: str) -> ExportTraceServiceRequest:
    """All that an application with both exports of one JSON call and one stream."""
    names = ["taximeter", peer] if order == "Taximeter first" else [peer, "taximeter"]
    provider = ReplayProvider()
    with OtlpSink() as sink:
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            "TAXIMETER_HOSTS": f"127.0.0.1:{provider.port}=openai",
        }
        if destination == "an endpoint of its own":
            environment["TAXIMETER_ENDPOINT"] = f"{sink.url}/v1/traces"
        command = [str(python_of(peer)), str(APP), provider.base_url, *names]
        subprocess.run(command, env=environment, check=True, timeout=120)
        provider.stop()
        whole = ExportTraceServiceRequest()
        for request in sink.requests:
            whole.MergeFrom(request)
    return whole


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(Settings(ledger=str(tmp_path / "l.duckdb"), birth_hold_seconds=0))
    yield running
    running.store.close()


def part(export: ExportTraceServiceRequest, *, ours: bool) -> ExportTraceServiceRequest:
    """Only our spans, or only the others."""
    chosen = ExportTraceServiceRequest()
    for resource_spans in export.resource_spans:
        kept = chosen.resource_spans.add(resource=resource_spans.resource)
        kept.scope_spans.extend(
            each for each in resource_spans.scope_spans if (each.scope.name == SCOPE_NAME) is ours
        )
    return chosen


def arrive(service: Service, *requests: ExportTraceServiceRequest) -> None:
    for request in requests:
        data = request.SerializeToString()
        body = Body(data, "application/x-protobuf", "identity", "127.0.0.1")
        assert service.pipeline.process([body]) == [Accepted()]


def calls(service: Service) -> list[tuple[Any, ...]]:
    return service.store.read("select model, feature, team, cost_usd from calls order by model")


def emitters(service: Service) -> set[tuple[Any, ...]]:
    return set(service.store.read("select emitter, also_told_by from calls"))


@pytest.mark.parametrize(("peer", "order", "destination"), CASES)
def test_both_tell_every_call_and_ours_is_below_theirs(
    peer: str, order: str, destination: str
) -> None:
    export = exported(peer, order, destination)
    ours, theirs = spans_in(part(export, ours=True)), spans_in(part(export, ours=False))
    assert len(ours) == len(theirs) == 2
    assert [span.parent_span_id for span in ours] == [span.span_id for span in theirs]
    assert [span.trace_id for span in ours] == [span.trace_id for span in theirs]


@pytest.mark.parametrize(("peer", "order", "destination"), CASES)
def test_a_call_told_twice_is_priced_once_from_our_span(
    service: Service, peer: str, order: str, destination: str
) -> None:
    arrive(service, exported(peer, order, destination))
    assert calls(service) == ONCE
    assert {emitter for emitter, _ in emitters(service)} == {"taximeter"}


@pytest.mark.parametrize("peer", PEERS)
def test_their_telling_of_a_call_that_arrives_later_is_not_counted(
    service: Service, peer: str
) -> None:
    export = exported(peer, *SETUPS[-1])
    arrive(service, part(export, ours=True), part(export, ours=False))
    assert calls(service) == ONCE
    assert {emitter for emitter, _ in emitters(service)} == {"taximeter"}


@pytest.mark.parametrize("peer", PEERS)
def test_our_telling_that_arrives_later_gives_theirs_its_tags_and_is_not_counted_again(
    service: Service, peer: str
) -> None:
    export = exported(peer, *SETUPS[-1])
    arrive(service, part(export, ours=False), part(export, ours=True))
    assert calls(service) == ONCE
    assert {also for _, also in emitters(service)} == {"taximeter"}
