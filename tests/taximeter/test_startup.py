"""`instrument()`: light to import, harmless to call, with OpenTelemetry's HTTP spans on request."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor

import taximeter
from taximeter import startup
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer


def test_the_public_names_are_these() -> None:
    assert taximeter.__all__ == [
        "__version__",
        "bind",
        "flush",
        "instrument",
        "stats",
        "tags",
        "uninstrument",
    ]
    assert all(hasattr(taximeter, name) for name in taximeter.__all__)
    assert not hasattr(taximeter, "anything_else")


def test_importing_the_package_is_light() -> None:
    heavy = ("opentelemetry.sdk", "httpx", "httpx2", "taximeter_processor", "wrapt")
    code = f"import sys, taximeter; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_defaults_are_given_to_calls_without_tags(spans: Spans, server: ReplayServer) -> None:
    taximeter.instrument(
        tracer_provider=spans.provider,
        hosts=f"127.0.0.1:{server.port}=groq",
        team="growth",
        feature="search",
    )
    server.answers.append(answer("groq-chat-json"))
    with httpx2.Client() as client, taximeter.tags(feature="chat"):
        client.post(f"{server.url}/chat/completions", json={"model": "m"})
    taximeter.uninstrument()
    attributes = spans.attributes()
    assert attributes["gen_ai.provider.name"] == "groq"
    assert attributes["taximeter.team"] == "growth"
    assert attributes["taximeter.feature"] == "chat"


def test_flushing_and_stopping_what_never_started_is_fine() -> None:
    assert taximeter.flush()
    taximeter.uninstrument()


def test_flushing_reaches_the_application_s_provider(metered: Spans) -> None:
    assert taximeter.flush(timeout_seconds=5)


@pytest.fixture
def http_spans(spans: Spans, server: ReplayServer) -> Iterator[Spans]:
    yield spans
    taximeter.uninstrument()
    if HTTPX2ClientInstrumentor().is_instrumented_by_opentelemetry:
        HTTPX2ClientInstrumentor().uninstrument()


@pytest.mark.parametrize("other", ["absent", "first", "last"])
def test_there_is_one_http_child_an_attempt_whoever_starts_first(
    http_spans: Spans, server: ReplayServer, other: str
) -> None:
    provider = http_spans.provider
    if other == "first":
        HTTPX2ClientInstrumentor().instrument(tracer_provider=provider)
    hosts = f"127.0.0.1:{server.port}=openai"
    taximeter.instrument(tracer_provider=provider, hosts=hosts, http_spans=True)
    if other == "last":
        HTTPX2ClientInstrumentor().instrument(tracer_provider=provider)
    server.answers.append(answer("openai-chat-json"))
    with httpx2.Client() as client:
        client.post(f"{server.url}/chat/completions", json={"model": "gpt-4.1"})
    child, ours = http_spans.all()
    assert (child.name, ours.name) == ("POST", "chat gpt-4.1")
    assert child.parent == ours.context


def test_http_spans_that_we_turned_on_are_turned_off_again(spans: Spans) -> None:
    taximeter.instrument(tracer_provider=spans.provider, http_spans=True)
    assert HTTPX2ClientInstrumentor().is_instrumented_by_opentelemetry
    taximeter.uninstrument()
    assert not HTTPX2ClientInstrumentor().is_instrumented_by_opentelemetry


def test_uninstrument_can_be_followed_by_instrument(spans: Spans, server: ReplayServer) -> None:
    for _ in range(2):
        startup.instrument(tracer_provider=spans.provider, hosts=f"127.0.0.1:{server.port}=openai")
        server.answers.append(answer("openai-chat-json"))
        with httpx2.Client() as client:
            client.post(f"{server.url}/chat/completions", json={})
        startup.uninstrument()
    assert len(spans.all()) == 2
