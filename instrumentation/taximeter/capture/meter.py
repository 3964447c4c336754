"""Turns an outgoing request into an `Attempt`, if it calls a language model."""

from __future__ import annotations

import atexit
import re
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
)
from opentelemetry.trace import set_span_in_context

from taximeter import propagation, providers
from taximeter.capture.attempt import Attempt, abort_open
from taximeter.providers import Route
from taximeter.providers.base import parsed, parsed_tail, text
from taximeter.settings import Settings
from taximeter.spans import Request
from taximeter.tags import values_in
from taximeter.tracing import Tracing

_ATTEMPT = otel_context.create_key("taximeter-attempt")
_SUPPRESSIONS = (
    _SUPPRESS_INSTRUMENTATION_KEY,
    "suppress_instrumentation",  # the same, as older instrumentations write it
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
)
"""What `is_http_instrumentation_enabled` asks for, of the context that is at hand anyway."""
_DEFAULT_PORTS = {"https": 443, "http": 80}
_PROVIDERS_BY_PORT = {11434: "ollama"}
"""Servers that people run on hosts of their own, on a port that nothing else uses."""
_NAMES_DEPLOYMENTS = "azure.ai.openai"
"""Its paths name a deployment, which is a model only if the body does not name one."""
_MAX_REQUEST_BYTES = 1 << 20
"""A longer request is searched for its model from the end only, not parsed."""


class Target(NamedTuple):
    """The LLM endpoint a request goes to."""

    host: str
    port: int
    route: Route


class Meter:
    """Recognises LLM requests and starts their spans."""

    def __init__(self, settings: Settings, tracing: Tracing) -> None:
        self._settings = settings
        self._tracing = tracing
        self._has_begun = False
        self.is_on = True
        """Turned off, the methods that were replaced just pass through."""
        self.propagates = bool(settings.propagate_to)
        """Tags are added to requests to the named hosts."""
        self.asks_for_usage = settings.stream_usage == "request"
        """Streams are asked for the usage that the application did not ask for."""
        self.stamps_bedrock = settings.bedrock_metadata

    def target(
        self, scheme: str, host: str, port: int | None, path: Callable[[], str]
    ) -> Target | None:
        """Where a POST goes, or None if no inference happens there.

        `path` is only asked for when the host is known; it is as sent, percent-encoded.
        """
        number = port or _DEFAULT_PORTS.get(scheme, 0)
        provider = self._provider(host, number)
        if provider is None:
            return None
        route = providers.route(provider, path())
        return None if route is None else Target(host, number, route)

    def begin(
        self, target: Target, model: Callable[[], object], retry_count: int | None
    ) -> Attempt | None:
        """Start an attempt and make it current, or None if it is not to be metered.

        `model` reads the request's model; it may raise, and is asked only if the path names none.
        """
        context = otel_context.get_current()
        if any(map(context.get, _SUPPRESSIONS)):
            return None
        outer = context.get(_ATTEMPT)
        if isinstance(outer, Attempt) and outer.is_sending:
            return None
        request = self._describe(target, model, retry_count, context)
        started = self._tracing.start(request.span_name, context)
        if started is None:
            return None
        self._end_at_exit()
        attempt = Attempt(
            request,
            target.route.reader(),
            started.span,
            sibling=self._tracing.sibling,
            latest_conventions=self._settings.latest_conventions,
        )
        try:
            inner = otel_context.set_value(_ATTEMPT, attempt, context)
            attempt.enter(inner if started.is_ours else set_span_in_context(started.span, inner))
        except Exception:
            attempt.abort()
            raise
        return attempt

    def tags(self) -> dict[str, str]:
        """The tags of the current context, by span attribute name."""
        return self._tags(otel_context.get_current())

    def flush(self, timeout_seconds: float) -> bool:
        """Export what has ended so far; False if it did not all get out in time."""
        return self._tracing.flush(timeout_seconds)

    def dropped(self) -> int:
        """Spans that ended and are known never to have been exported."""
        return self._tracing.dropped()

    def close(self) -> None:
        """End what is still being streamed, and export it."""
        atexit.unregister(self.close)
        abort_open()
        self._tracing.close()

    def propagate(self, scheme: str, host: str, port: int | None, headers: Headers) -> None:
        """Add the tags to a request, if its host is one of those that may see them."""
        if self._may_see_tags(scheme, host, port):
            propagation.add_headers(headers, self.tags())

    def scrub(self, scheme: str, host: str, port: int | None, headers: Headers) -> None:
        """Take the tags off a redirected request whose host must not see them."""
        if not self._may_see_tags(scheme, host, port):
            propagation.remove_headers(headers)

    def _may_see_tags(self, scheme: str, host: str, port: int | None) -> bool:
        number = port or _DEFAULT_PORTS.get(scheme)
        return any(named.covers(host, number) for named in self._settings.propagate_to)

    def _tags(self, context: Context) -> dict[str, str]:
        return {**self._settings.default_tags, **values_in(context)}

    def _provider(self, host: str, port: int) -> str | None:
        for address, provider in self._settings.hosts:
            if address.covers(host, port):
                return provider
        return providers.provider_of(host) or _PROVIDERS_BY_PORT.get(port)

    def _describe(
        self,
        target: Target,
        model: Callable[[], object],
        retry_count: int | None,
        context: Context,
    ) -> Request:
        route = target.route
        return Request(
            provider=route.provider,
            operation=route.operation,
            model=_model(route, model),
            server_address=target.host,
            server_port=target.port,
            retry_count=retry_count,
            tags=self._tags(context),
        )

    def _end_at_exit(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            # Now, because exit functions run last in, first out: before the tracer provider's own.
            atexit.register(self.close)


Headers = MutableMapping[str, str]


_LEADING_MODEL = re.compile(rb'\s*\{\s*"model"\s*:\s*"([^"\\]{1,256})"')
_TRAILING_MODEL = re.compile(
    rb'"model"\s*:\s*"([^"\\]{1,256})"'
    rb'(?:\s*,\s*"[^"\\]*"\s*:\s*(?:"[^"\\]*"|[-+.\w]+))*\s*\}\s*\Z'
)
"""Followed by plain members and the end: the object that ends with the body is the body."""


def model_of(content: bytes) -> object:
    """The model that a JSON request body names. Raises ValueError if it is none."""
    found = _LEADING_MODEL.match(content) or _TRAILING_MODEL.match(
        content, max(0, content.rfind(b'"model"'))
    )
    if found is not None:
        return found.group(1).decode()
    body = parsed_tail(content, b"model")
    if body is None and len(content) <= _MAX_REQUEST_BYTES:
        body = parsed(content)
    return (body or {}).get("model")


def stainless_retries(headers: Any) -> int | None:
    """Which retry this is, as the SDKs generated by Stainless say; 0 is the first attempt."""
    retries = headers.get("x-stainless-retry-count", "")
    return int(retries) if retries.isdecimal() else None


def _model(route: Route, read: Callable[[], object]) -> str | None:
    named = text(route.path_model)
    if named is not None and route.provider != _NAMES_DEPLOYMENTS:
        return named
    try:
        return text(read()) or named
    except Exception:
        # An upload is streamed, or is not JSON: then only the answer names the model.
        return named
