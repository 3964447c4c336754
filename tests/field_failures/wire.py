"""An application, a provider that replays recorded bytes, and the processor behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import taximeter
from taximeter_processor.ingest.otlp import PROTOBUF
from taximeter_processor.pipeline import Accepted, Body
from taximeter_processor.reports.verify import verify
from taximeter_processor.service import Service
from tests.taximeter.replay import Answer, ReplayServer, answer, recording

Read = Callable[[httpx.Response], Any]


class Row(NamedTuple):
    """What a test asks of a call in the ledger."""

    status: str
    unpriced_reason: str
    usage_status: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cost_usd: int
    """In pico-USD."""


class Wire:
    """Calls go over real HTTP; their spans go through the real pipeline."""

    def __init__(self, service: Service, server: ReplayServer) -> None:
        self.service = service
        self._server = server
        self._exported = InMemorySpanExporter()
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(self._exported))

    def call(
        self, name: str, replayed: Answer | None = None, read: Read = httpx.Response.read
    ) -> None:
        """Send a recording's request and read its answer, or another, as an application does."""
        recorded = recording(name)
        self._server.answers.append(replayed or answer(name))
        url = f"http://127.0.0.1:{self._server.port}{urlsplit(recorded.url).path}"
        with (
            self._metered(recorded.provider),
            httpx.Client() as client,
            client.stream("POST", url, json=dict(recorded.request)) as response,
            suppress(httpx.RemoteProtocolError),
        ):
            read(response)

    @contextmanager
    def _metered(self, provider: str) -> Iterator[None]:
        hosts = {f"127.0.0.1:{self._server.port}": provider}
        taximeter.instrument(tracer_provider=self._provider, hosts=hosts)
        try:
            yield
        finally:
            taximeter.uninstrument()

    def rows(self) -> list[Row]:
        """What the ledger makes of every call so far, in order; it agrees with the counters."""
        spans = self._exported.get_finished_spans()
        body = Body(encode_spans(spans).SerializeToString(), PROTOBUF, "identity", "127.0.0.1")
        assert self.service.pipeline.process([body]) == [Accepted()]
        now_us = time.time_ns() // 1000
        proof = verify(self.service.store, "main", self.service.counters, now_us)
        assert proof["ok"], proof
        columns = ", ".join(Row._fields[:-1])
        rows = self.service.store.read(
            f"select {columns}, (cost_usd * 1000000000000)::bigint from calls order by start_time"
        )
        return [Row._make(row) for row in rows]

    def row(self) -> Row:
        (row,) = self.rows()
        return row

    def metric(self, name: str, **labels: str) -> float:
        """One of the service's own counters."""
        return self.service.metrics.registry.get_sample_value(name, labels) or 0
