"""The shipped configuration beside what users already have, and the variants the guide shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.collector.guide import GUIDE, saved, snippet
from tests.support.collector import CONFIG, Collector
from tests.support.otlp_sink import OtlpSink, export_request, post, span
from tests.support.servers import free_port, wait_for

CALL = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": "what people said"}
EXISTING = """
extensions:
  health_check: {endpoint: "${env:TAXIMETER_COLLECTOR_HEALTH}"}
receivers:
  otlp: {protocols: {http: {endpoint: "${env:TAXIMETER_COLLECTOR_HTTP}"}}}
exporters:
  nop: {}
service:
  extensions: [health_check]
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
"""


@pytest.fixture
def backend() -> Iterator[OtlpSink]:
    with OtlpSink() as backend:
        yield backend


def test_the_configuration_is_valid_with_no_variable_set(tmp_path: Path) -> None:
    verdict = Collector(tmp_path, "http://127.0.0.1:4319").validate()
    assert (verdict.returncode, verdict.stderr) == (0, "")


@pytest.mark.parametrize("exporter", ["otlp_http/backend", "otlp_grpc/backend"])
def test_the_configuration_is_valid_with_a_backend(tmp_path: Path, exporter: str) -> None:
    environment = {
        "TAXIMETER_BACKEND_EXPORTER": exporter,
        "TAXIMETER_BACKEND_ENDPOINT": "https://tempo.example:4317",
        "TAXIMETER_BACKEND_HEADERS": "{x-api-key: secret}",
    }
    collector = Collector(tmp_path, "http://127.0.0.1:4319", environment=environment)
    assert collector.validate().returncode == 0


def test_the_money_path_has_neither_batch_processor_nor_sampler() -> None:
    pipelines = yaml.safe_load(CONFIG.read_text())["service"]["pipelines"]
    assert pipelines["traces/money"] == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter", "filter/genai", "transform/no_content"],
        "exporters": ["otlp_http/taximeter"],
    }


def test_every_port_is_on_the_loopback_address_by_default() -> None:
    defaults = re.findall(r":-([^}:]+):\d+\}|METRICS_HOST:-([^}]+)\}", CONFIG.read_text())
    assert {address or host for address, host in defaults} == {"127.0.0.1"}


def test_the_guide_lists_exactly_the_variables_of_the_configuration() -> None:
    used = set(re.findall(r"env:(TAXIMETER_\w+)", CONFIG.read_text()))
    table = GUIDE[GUIDE.index("## Variables") : GUIDE.index("## All traces")]
    listed = set(re.findall(r"TAXIMETER_\w+", table)) | {"TAXIMETER_COLLECTOR_METRICS_PORT"}
    assert listed == used


def test_the_backend_gets_every_span_unchanged(
    tmp_path: Path, sink: OtlpSink, backend: OtlpSink
) -> None:
    call, server = span(CALL), span({"http.route": "/chat"}, name="POST /chat")
    call.events.add(name="gen_ai.user.message", time_unix_nano=call.start_time_unix_nano)
    for sent in (call, server):
        sent.status.SetInParent()  # an absent one comes back empty, which means the same
    request = export_request([call, server], scope="my.app")
    with Collector(tmp_path, sink.url, environment=exporting_to(backend.url)) as collector:
        post(collector.url, request)
        wait_for("hand-over to the backend", lambda: len(backend.spans) == 2)
        sink.arrival_of(call)
    assert backend.requests == [request]
    assert server.span_id not in sink.span_ids


def test_a_backend_is_reached_over_grpc(tmp_path: Path, sink: OtlpSink, backend: OtlpSink) -> None:
    call = span(CALL)
    with Collector(tmp_path / "backend", backend.url) as behind:
        environment = {
            "TAXIMETER_BACKEND_EXPORTER": "otlp_grpc/backend",
            "TAXIMETER_BACKEND_ENDPOINT": behind.grpc_endpoint,
            "TAXIMETER_BACKEND_INSECURE": "true",
        }
        with Collector(tmp_path / "ours", sink.url, environment=environment) as collector:
            post(collector.url, export_request([call]))
            backend.arrival_of(call)


def test_a_backend_that_is_down_holds_up_no_money(tmp_path: Path, sink: OtlpSink) -> None:
    environment = exporting_to(f"http://127.0.0.1:{free_port()}")
    calls = [span(CALL) for _ in range(50)]
    with Collector(tmp_path, sink.url, environment=environment) as collector:
        assert {post(collector.url, export_request([call])) for call in calls} == {200}
        wait_for("delivery", lambda: {call.span_id for call in calls} <= sink.span_ids)


def test_an_existing_collector_hands_its_calls_over(tmp_path: Path, sink: OtlpSink) -> None:
    call = span(CALL)
    with Collector(tmp_path / "ours", sink.url) as ours:
        added = snippet("otlp_http/taximeter").replace("http://127.0.0.1:4318", ours.url)
        configs = saved(tmp_path, EXISTING, added)
        with Collector(tmp_path / "existing", "", configs=configs) as existing:
            assert post(existing.url, export_request([call])) == 200
            sink.arrival_of(call)


def exporting_to(url: str) -> dict[str, str]:
    return {
        "TAXIMETER_BACKEND_EXPORTER": "otlp_http/backend",
        "TAXIMETER_BACKEND_ENDPOINT": url,
    }
