"""A replaying provider, an in-memory exporter, and Taximeter between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import taximeter
from taximeter import faults
from taximeter.capture import attempt
from tests.taximeter.replay import ReplayServer


class Spans:
    """What has been exported."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._memory))

    def all(self) -> list[ReadableSpan]:
        return list(self._memory.get_finished_spans())

    def one(self) -> ReadableSpan:
        (span,) = self.all()
        return span

    def attributes(self) -> dict[str, object]:
        """The attributes of the only span."""
        return dict(self.one().attributes or {})


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    """Every test begins without faults and leaves no attempt open."""
    faults.reset()
    yield
    assert attempt.open_count() == 0
    faults.reset()


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    running = ReplayServer()
    yield running
    running.stop()


@pytest.fixture
def metered(spans: Spans, server: ReplayServer) -> Iterator[Spans]:
    """Taximeter is on, and takes the replaying server for OpenAI."""
    taximeter.instrument(
        tracer_provider=spans.provider, hosts={f"127.0.0.1:{server.port}": "openai"}
    )
    yield spans
    taximeter.uninstrument()
