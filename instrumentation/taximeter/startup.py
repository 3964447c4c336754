"""Turns one call at start-up into metered clients, and undoes it."""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.trace import TracerProvider

from taximeter import attributes, faults, settings
from taximeter.capture import hooks
from taximeter.capture.attempt import abort_open, open_count
from taximeter.capture.meter import Meter
from taximeter.tracing import Tracing

_HTTP_INSTRUMENTORS = {
    "httpx": "HTTPXClientInstrumentor",
    "httpx2": "HTTPX2ClientInstrumentor",
}

_lock = threading.Lock()
_meter: Meter | None = None
_http_instrumentors: list[Any] = []


def instrument(
    *,
    endpoint: str | None = None,
    sampling: str | None = None,
    http_spans: bool | None = None,
    hosts: Mapping[str, str] | str | None = None,
    stream_usage: str | None = None,
    bedrock_metadata: bool | None = None,
    propagate_to: Iterable[str] | str | None = None,
    feature: str | None = None,
    tenant: str | None = None,
    team: str | None = None,
    request_type: str | None = None,
    tracer_provider: TracerProvider | None = None,
) -> None:
    """Meter every LLM call of this process. Calling it again changes nothing.

    What is not given comes from the `TAXIMETER_…` environment variables. The four tags are
    defaults for calls outside any `tags(…)`. `tracer_provider` stands in for the global one.
    """
    global _meter
    with _lock:
        if _meter is not None:
            return
        chosen = settings.load(
            endpoint=endpoint,
            sampling=sampling,
            http_spans=http_spans,
            hosts=hosts,
            stream_usage=stream_usage,
            bedrock_metadata=bedrock_metadata,
            propagate_to=propagate_to,
            default_tags={
                attributes.FEATURE: feature,
                attributes.TENANT: tenant,
                attributes.TEAM: team,
                attributes.REQUEST_TYPE: request_type,
            },
        )
        _meter = Meter(chosen, Tracing(chosen, tracer_provider))
        hooks.install(_meter)
        if chosen.http_spans:
            faults.guarded("http spans", _start_http_spans, tracer_provider)


def uninstrument() -> None:
    """Restore the original methods, and export what was metered."""
    global _meter
    with _lock:
        if _meter is None:
            return
        hooks.remove()
        while _http_instrumentors:
            _http_instrumentors.pop().uninstrument()
        abort_open()
        _meter.flush(timeout_seconds=5)
        _meter.close()
        _meter = None


def flush(timeout_seconds: float = 10.0) -> bool:
    """Export the spans that have ended; True if all got out in time."""
    meter = _meter
    return meter is None or meter.flush(timeout_seconds)


def stats() -> dict[str, int]:
    """What happened in this process: `open` attempts, `dropped` spans, and each kind of fault."""
    meter = _meter
    dropped = 0 if meter is None else meter.dropped()
    return {"open": open_count(), "dropped": dropped, **faults.counts()}


def _start_http_spans(tracer_provider: TracerProvider | None) -> None:
    """Turn on OpenTelemetry's own HTTP instrumentors, unless they are on already."""
    installed = [name for name in _HTTP_INSTRUMENTORS if importlib.util.find_spec(name)]
    module = importlib.import_module("opentelemetry.instrumentation.httpx")
    for name in installed:
        found = getattr(module, _HTTP_INSTRUMENTORS[name], None)
        if found is None:
            continue
        instrumentor = found()
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(tracer_provider=tracer_provider, skip_dep_check=True)
            _http_instrumentors.append(instrumentor)
