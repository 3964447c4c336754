"""Turns a span name into a started span that will be exported: money is not sampled.

Our spans use the application's tracer provider. When its sampler drops the trace, or when
Taximeter has an endpoint of its own, they go through our own always-on provider, under the same
trace id and parent. An application without a provider gets one, when the first call is made: late
enough for it to set its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import entry_points
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanKind,
    Tracer,
    set_span_in_context,
)

from taximeter import __version__, faults
from taximeter.attributes import SCHEMA_URL, SCOPE_NAME
from taximeter.delivery import Delivery
from taximeter.settings import Settings

_QUEUED_SPANS = 8192
_GRPC_PORT = 4317
_TRACES_PATH = "/v1/traces"


class Started(NamedTuple):
    """A span that will be exported."""

    span: Span
    is_ours: bool
    """It belongs to our own provider: it must not become the application's current span."""


class Tracing:
    """Where the spans of this process go."""

    def __init__(self, settings: Settings, provider: trace.TracerProvider | None = None) -> None:
        self._settings = settings
        self._given = provider
        self._made: TracerProvider | None = None
        self._deliveries: list[Delivery] = []
        self._lock = threading.RLock()

    def start(
        self,
        name: str,
        context: Context,
        start_ns: int | None = None,
        links: Sequence[Link] = (),
    ) -> Started | None:
        """Start a CLIENT span, or None if the user chose to follow a sampler that drops it."""
        if self._is_shared:
            span = self._shared_tracer.start_span(
                name, context, SpanKind.CLIENT, None, links, start_ns
            )
            if span.get_span_context().trace_flags.sampled and span.is_recording():
                return Started(span, is_ours=False)
            span.end()
            if self._settings.sampling == "follow":
                return None
        span = self._own_tracer.start_span(name, context, SpanKind.CLIENT, None, links, start_ns)
        return Started(span, is_ours=True) if span.is_recording() else None

    def sibling(self, name: str, span: Span) -> Span | None:
        """A span that began with `span`, under the same parent, and is linked to it."""
        parent = getattr(span, "parent", None)
        context = set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context()
        links = [Link(span.get_span_context())]
        started = self.start(name, context, getattr(span, "start_time", None), links)
        return None if started is None else started.span

    def flush(self, timeout_seconds: float) -> bool:
        """Export what has ended so far; False if it did not all get out in time."""
        used = [self.__dict__[name] for name in ("_shared", "_own") if name in self.__dict__]
        results: list[bool] = []

        def flush_all() -> None:
            for provider in used:
                force_flush = getattr(provider, "force_flush", None)
                results.append(force_flush is None or force_flush())

        # In a thread, because the SDK's own flush has no working timeout.
        thread = threading.Thread(target=flush_all, name="taximeter-flush", daemon=True)
        thread.start()
        thread.join(timeout_seconds)
        return len(results) == len(used) and all(results)

    def dropped(self) -> int:
        """Spans of our own exporters that were lost; the application's provider keeps no count."""
        return sum(delivery.dropped() for delivery in self._deliveries)

    def close(self) -> None:
        """Export and end our own provider; the shared one belongs to the process."""
        own = self.__dict__.get("_own")
        if own is not None:
            own.shutdown()

    @cached_property
    def _is_shared(self) -> bool:
        """No endpoint of our own, or nobody but us uses the shared provider anyway."""
        with self._lock:
            return self._settings.endpoint is None or self._shared is self._made

    @cached_property
    def _shared_tracer(self) -> Tracer:
        with self._lock:
            return _tracer(self._shared)

    @cached_property
    def _own_tracer(self) -> Tracer:
        with self._lock:
            return _tracer(self._own)

    @cached_property
    def _shared(self) -> trace.TracerProvider:
        current = self._given or trace.get_tracer_provider()
        if not isinstance(current, trace.ProxyTracerProvider):
            return current
        self._made = TracerProvider()
        for exporter in _exporters(self._settings):
            self._made.add_span_processor(self._counted(Delivery(exporter)))
        trace.set_tracer_provider(self._made)
        return trace.get_tracer_provider()

    @cached_property
    def _own(self) -> TracerProvider:
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            shutdown_on_exit=False,  # `close` does it, after the last spans have ended
            # The application's description of itself and its way of making ids, if it has any.
            resource=getattr(self._shared, "resource", None) or Resource.create(),
            id_generator=getattr(self._shared, "id_generator", None),
            span_limits=SpanLimits(max_span_attributes=128),
        )
        queued = None if "OTEL_BSP_MAX_QUEUE_SIZE" in os.environ else _QUEUED_SPANS
        provider.add_span_processor(
            self._counted(Delivery(otlp_exporter(self._settings.endpoint), queued))
        )
        return provider

    def _counted(self, delivery: Delivery) -> Delivery:
        self._deliveries.append(delivery)
        return delivery


def _tracer(provider: trace.TracerProvider) -> Tracer:
    return provider.get_tracer(SCOPE_NAME, __version__, SCHEMA_URL)


def _exporters(settings: Settings) -> Iterator[SpanExporter]:
    """For an application that has no provider: what the standard OTEL_… variables ask for."""
    for name in (os.environ.get("OTEL_TRACES_EXPORTER") or "otlp").split(","):
        exporter = faults.guarded("exporter", _exporter, name.strip(), settings.endpoint)
        if exporter is not None:
            yield exporter


def _exporter(name: str, endpoint: str | None) -> SpanExporter | None:
    if name == "none":
        return None
    if name == "otlp":
        return otlp_exporter(endpoint)
    (found, *_) = entry_points(group="opentelemetry_traces_exporter", name=name)
    exporter: SpanExporter = found.load()()
    return exporter


def otlp_exporter(endpoint: str | None) -> SpanExporter:
    """OTLP over HTTP, or over gRPC if that is asked for, installed and fits the endpoint."""
    if _asks_for_grpc(endpoint):
        try:
            from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_exporter
        except ImportError:
            faults.note("grpc", 'OTLP over HTTP is used: pip install "taximeter[grpc]" adds gRPC')
        else:
            return grpc_exporter.OTLPSpanExporter(endpoint=endpoint)
    from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_exporter

    return http_exporter.OTLPSpanExporter(endpoint=endpoint and traces_url(endpoint))


def traces_url(endpoint: str) -> str:
    """The URL that spans are posted to, given an OTLP/HTTP base URL or that URL itself."""
    return endpoint if endpoint.endswith(_TRACES_PATH) else endpoint.rstrip("/") + _TRACES_PATH


def destination(endpoint: str | None) -> str:
    """Where `otlp_exporter` sends spans, by the same rules as OpenTelemetry's exporters."""
    if _asks_for_grpc(endpoint):
        base = endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")
        return os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", base)
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
    if endpoint is None and "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" in os.environ:
        return os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    return traces_url(endpoint or base)


def _asks_for_grpc(endpoint: str | None) -> bool:
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", ""
    )
    # opentelemetry-distro sets `grpc` for everybody: our own endpoint must look like it, too.
    return protocol == "grpc" and (endpoint is None or urlsplit(endpoint).port == _GRPC_PORT)
