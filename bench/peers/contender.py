"""Turns orders on standard input into calls through one instrumentation, and says what they cost.

Runs in the environment of that instrumentation; the spans are batched and then thrown away.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from bench.peers import provider
from tests.support import peers

PACKAGES = {
    "taximeter": "taximeter",
    "otel-genai": "opentelemetry-instrumentation-genai-openai",
    "otel-openai-v2": "opentelemetry-instrumentation-openai-v2",
    "openllmetry": "opentelemetry-instrumentation-openai",
    "openinference": "openinference-instrumentation-openai",
    "logfire": "logfire",
}
FLOOR_ATTRIBUTES: dict[str, Any] = {f"gen_ai.attribute.number_{n}": n for n in range(20)}
BROKEN_OFF_AFTER = 10


class Discard(SpanExporter):
    """Forgets spans, except while `kept` is a list."""

    kept: list[ReadableSpan] | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.kept is not None:
            self.kept.extend(spans)
        return SpanExportResult.SUCCESS


class Contender:
    """One instrumentation in this process, and the calls that are measured through it."""

    def __init__(self, name: str, base_url: str, transport: str) -> None:
        self._exporter = Discard()
        self._flush: Callable[[], object] = lambda: None
        self._after_call: Callable[[], None] = lambda: None
        self._start(name, base_url)
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key="sk-bench",
            max_retries=0,
            http_client=_memory_client() if transport == "memory" else None,
        )

    def json(self, count: int) -> dict[str, float]:
        """Microseconds of CPU for each of `count` whole answers."""
        return {"us": self._cpu_us(count, self._call)}

    def stream(self, count: int) -> dict[str, float]:
        """Microseconds of CPU for each of `count` streams, and of waiting for the first chunk."""
        waits: list[float] = []
        cost = self._cpu_us(count, lambda: self._read(waits))
        return {"us": cost, "first_chunk_us": statistics.median(waits)}

    def memory(self, count: int) -> dict[str, float]:
        """Growth of resident memory over `count` answers and a tenth of broken-off streams."""
        # As long again first: what a process allocates once is no growth.
        self._use(count)
        before = _resident_kib()
        self._use(count)
        return {"calls": count, "growth_mib": (_resident_kib() - before) / 1024}

    def usage(self, count: int) -> dict[str, bool]:
        """Which answers' usage is on the spans in full: a count may be an attribute, not text."""
        return {"json": self._records(self._call), "stream": self._records(lambda: self._read([]))}

    def _use(self, count: int) -> None:
        for _ in range(count):
            self._call()
        for _ in range(count // 10):
            self._break_off()
        self._flush()
        gc.collect()

    def _cpu_us(self, count: int, call: Callable[[], None]) -> float:
        gc.collect()
        before = time.process_time_ns()
        for _ in range(count):
            call()
            self._after_call()
        self._flush()
        return (time.process_time_ns() - before) / 1000 / count

    def _call(self) -> None:
        self._client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "Hi"}]
        )

    def _stream(self) -> openai.Stream[Any]:
        return self._client.chat.completions.create(
            model="gpt-5-mini",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )

    def _read(self, waits: list[float]) -> None:
        started = time.perf_counter_ns()
        chunks = iter(self._stream())
        next(chunks)
        waits.append((time.perf_counter_ns() - started) / 1000)
        for _ in chunks:
            pass

    def _break_off(self) -> None:
        with self._stream() as chunks:
            for _, _ in zip(range(BROKEN_OFF_AFTER), chunks, strict=False):
                pass

    def _records(self, call: Callable[[], None]) -> bool:
        self._flush()
        self._exporter.kept = []
        call()
        self._flush()
        spans, self._exporter.kept = self._exporter.kept, None
        return any(provider.RECORDED.issubset(_numbers(span)) for span in spans)

    def _start(self, name: str, base_url: str) -> None:
        batches = BatchSpanProcessor(self._exporter)
        if name == "logfire":
            self._flush = _start_logfire(batches)
            return
        tracers = TracerProvider()
        tracers.add_span_processor(batches)
        self._flush = tracers.force_flush
        if name == "floor":
            self._after_call = _floor(tracers.get_tracer("floor"))
        elif name == "taximeter":
            import taximeter

            address = base_url.removeprefix("http://").partition("/")[0]
            taximeter.instrument(tracer_provider=tracers, hosts={address: "openai"})
        elif name != "none":
            peers.instrument(name, tracers)


def _start_logfire(batches: BatchSpanProcessor) -> Callable[[], object]:
    logfire = importlib.import_module("logfire")
    logfire.configure(
        send_to_logfire=False,
        console=False,
        metrics=False,
        inspect_arguments=False,
        additional_span_processors=[batches],
    )
    logfire.instrument_openai()
    flush: Callable[[], object] = logfire.force_flush
    return flush


def _floor(tracer: trace.Tracer) -> Callable[[], None]:
    """What no instrumentation can do without: read the answer, write one span."""
    body = provider.body()

    def write() -> None:
        json.loads(body)
        span = tracer.start_span("chat gpt-5-mini", kind=trace.SpanKind.CLIENT)
        span.set_attributes(FLOOR_ATTRIBUTES)
        span.end()

    return write


def _memory_client() -> Any:
    """A client of the SDK's own kind whose answers come from memory, one chunk an event."""
    import httpx2

    class Streamed(httpx2.SyncByteStream):
        chunks = provider.events()

        def __iter__(self) -> Iterator[bytes]:
            yield from self.chunks

    def answer(request: httpx2.Request) -> httpx2.Response:
        if b'"stream":true' in request.content:
            headers = {"content-type": "text/event-stream"}
            return httpx2.Response(200, headers=headers, stream=Streamed())
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=whole)

    whole = provider.body()
    return openai.DefaultHttpxClient(transport=httpx2.MockTransport(answer))


def _numbers(span: ReadableSpan) -> Iterator[int]:
    return (value for value in (span.attributes or {}).values() if isinstance(value, int))


def _resident_kib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def main(name: str, base_url: str, transport: str) -> None:
    """Say which versions run, then obey one order a line: a method of `Contender` and a count."""
    contender = Contender(name, base_url, transport)
    own = version(PACKAGES[name]) if name in PACKAGES and name != "taximeter" else None
    print(json.dumps({"version": own, "openai": openai.__version__}), flush=True)
    for order in sys.stdin:
        what, count = order.split()
        print(json.dumps(getattr(contender, what)(int(count))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
