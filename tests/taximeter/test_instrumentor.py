"""Zero-code start: `opentelemetry-instrument python app.py`, with and without a distribution."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter.instrumentor import TaximeterInstrumentor
from tests.support.otlp_sink import OtlpSink, attributes_of
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer

APPLICATION = """
import openai, sys
client = openai.OpenAI(api_key="secret", base_url=sys.argv[1], max_retries=1)
client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "Hi"}])
"""
NO_DISTRIBUTION = {"OTEL_PYTHON_DISTRO": "none", "OTEL_PYTHON_CONFIGURATOR": "none"}
"""No distribution has this name, so none is loaded, nor any configurator: as if not installed."""


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with OtlpSink() as running:
        yield running


def start(server: ReplayServer, sink: OtlpSink, **environment: str) -> None:
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    variables = {
        **os.environ,
        "TAXIMETER_HOSTS": f"127.0.0.1:{server.port}=openai",
        "TAXIMETER_TEAM": "growth",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        **environment,
    }
    arguments = [str(command), sys.executable, "-c", APPLICATION, server.url]
    done = subprocess.run(arguments, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("environment", [{}, NO_DISTRIBUTION], ids=["distro", "no-distro"])
def test_each_attempt_is_one_span_with_one_http_child(
    server: ReplayServer, sink: OtlpSink, environment: dict[str, str]
) -> None:
    server.answers.append(answer("openai-chat-error-429", headers={"retry-after-ms": "1"}))
    server.answers.append(answer("openai-chat-json"))
    start(server, sink, **environment)
    ours = [span for span in sink.spans if span.name == "chat gpt-4.1"]
    children = [span for span in sink.spans if span.name == "POST"]
    assert [attributes_of(span)["taximeter.retry_count"] for span in ours] == [0, 1]
    assert attributes_of(ours[1])["gen_ai.usage.input_tokens"] == 19
    assert attributes_of(ours[1])["taximeter.team"] == "growth"
    assert [span.parent_span_id for span in children] == [span.span_id for span in ours]


def test_it_can_be_switched_off_by_name(server: ReplayServer, sink: OtlpSink) -> None:
    server.answers.append(answer("openai-chat-json"))
    start(server, sink, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="taximeter,httpx,httpx2")
    assert sink.spans == []


def test_it_takes_the_arguments_of_instrument_and_undoes_itself(spans: Spans) -> None:
    instrumentor = TaximeterInstrumentor()
    assert instrumentor.instrumentation_dependencies() == ()
    instrumentor.instrument(tracer_provider=spans.provider, team="growth")
    assert instrumentor.is_instrumented_by_opentelemetry
    instrumentor.uninstrument()
    assert not instrumentor.is_instrumented_by_opentelemetry
