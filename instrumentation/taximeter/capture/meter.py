"""Turns an outgoing request into an `Attempt`, if it calls a language model."""

from __future__ import annotations

import atexit
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.instrumentation import utils
from opentelemetry.trace import set_span_in_context

from taximeter import faults, propagation, providers
from taximeter.capture.attempt import Attempt, abort_open
from taximeter.providers import Route
from taximeter.providers.base import parsed, parsed_tail, text
from taximeter.settings import Settings
from taximeter.spans import Request
from taximeter.tags import values_in
from taximeter.tracing import Tracing

_ATTEMPT = otel_context.create_key("taximeter-attempt")
_RETRY_HEADER = "x-stainless-retry-count"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_MAX_REQUEST_BYTES = 1 << 20
"""A longer request is searched for its model from the end only, not parsed."""


class Meter:
    """Recognises LLM requests and starts their spans."""

    def __init__(self, settings: Settings, tracing: Tracing) -> None:
        self._settings = settings
        self._tracing = tracing
        self.propagates = bool(settings.propagate_to)
        """Tags are added to requests to the named hosts."""
        self._has_begun = False

    def begin(self, request: Any) -> Attempt | None:
        """Start an attempt and make it current, or None if this request is not to be metered.

        `request` is an `httpx.Request` or an `httpx2.Request`.
        """
        if self.propagates:
            faults.guarded("propagation", self._propagate, request)
        url = request.url
        if request.method != "POST":
            return None
        port = url.port or _DEFAULT_PORTS.get(url.scheme, 0)
        route = self._route(url.host, port, url.path)
        if route is None:
            return None
        context = otel_context.get_current()
        if not utils.is_http_instrumentation_enabled():
            return None
        outer = context.get(_ATTEMPT)
        if isinstance(outer, Attempt) and outer.is_sending:
            return None
        return self._start(self._describe(request, route, port, context), route, context)

    def flush(self, timeout_seconds: float) -> bool:
        """Export what has ended so far; False if it did not all get out in time."""
        return self._tracing.flush(timeout_seconds)

    def close(self) -> None:
        """End what is still being streamed, and export it."""
        atexit.unregister(self.close)
        abort_open()
        self._tracing.close()

    def scrub(self, request: Any) -> None:
        """Take the tag headers off a redirected request whose host must not see them."""
        if not self._may_see_tags(request.url):
            propagation.remove_headers(request.headers)

    def _propagate(self, request: Any) -> None:
        if self._may_see_tags(request.url):
            propagation.add_headers(request.headers, self._tags(otel_context.get_current()))

    def _may_see_tags(self, url: Any) -> bool:
        port = url.port or _DEFAULT_PORTS.get(url.scheme)
        return any(named.covers(url.host, port) for named in self._settings.propagate_to)

    def _tags(self, context: Context) -> dict[str, str]:
        return {**self._settings.default_tags, **values_in(context)}

    def _route(self, host: str, port: int, path: str) -> Route | None:
        for address, provider in self._settings.hosts:
            if address.covers(host, port):
                return providers.route(provider, path)
        known = providers.provider_of(host)
        return None if known is None else providers.route(known, path)

    def _describe(self, request: Any, route: Route, port: int, context: Context) -> Request:
        retries = request.headers.get(_RETRY_HEADER, "")
        return Request(
            provider=route.provider,
            operation=route.operation,
            model=_model(request) or text(route.path_model),
            server_address=request.url.host,
            server_port=port,
            retry_count=int(retries) if retries.isdecimal() else None,
            tags=self._tags(context),
        )

    def _start(self, request: Request, route: Route, context: Context) -> Attempt | None:
        started = self._tracing.start(request.span_name, context)
        if started is None:
            return None
        if not self._has_begun:
            self._has_begun = True
            # Now, because exit functions run last in, first out: before the tracer provider's own.
            atexit.register(self.close)
        attempt = Attempt(
            request,
            route.reader(),
            started.span,
            latest_conventions=self._settings.latest_conventions,
        )
        inner = otel_context.set_value(_ATTEMPT, attempt, context)
        attempt.enter(inner if started.is_ours else set_span_in_context(started.span, inner))
        return attempt


def _model(request: Any) -> str | None:
    try:
        content = request.content
        body = parsed_tail(content, b"model")
        if body is None and len(content) <= _MAX_REQUEST_BYTES:
            body = parsed(content)
    except Exception:
        # An upload is streamed, or is not JSON: then only the answer names the model.
        return None
    return text((body or {}).get("model"))
