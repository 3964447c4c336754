"""Turns one request and whatever becomes of it into one span, ended exactly once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span

from taximeter import faults, spans
from taximeter.capture.body import Body
from taximeter.capture.decoding import UnknownEncoding, decoder
from taximeter.providers.base import Facts, Reader
from taximeter.spans import Outcome, Request

_open: set[Attempt] = set()
"""Attempts without an end yet; removing one is what makes its end happen once."""


class Attempt:
    """One upstream attempt: enter, leave, then answer or fail.

    After answer comes read for a body that is there, or watch for every chunk of one that is
    still to come; then complete, fail or abort.
    """

    def __init__(
        self,
        request: Request,
        reader: Reader,
        span: Span,
        *,
        sibling: Callable[[str, Span], Span | None],
        latest_conventions: bool,
    ) -> None:
        self._request = request
        self._reader = reader
        self._span = span
        self._sibling = sibling
        self._latest_conventions = latest_conventions
        self._started = time.perf_counter()
        self._status_code: int | None = None
        self._body: Body | None = None
        self._is_stream = False
        self._first_chunk_seconds: float | None = None
        self.watch: Callable[[bytes], None] = self._watch_first
        """Read our copy of a chunk; if it raises, `stop_watching`."""
        _open.add(self)

    @property
    def is_sending(self) -> bool:
        """The client is at work on the request: what it sends meanwhile is part of this attempt."""
        return self._status_code is None and self in _open

    def enter(self, context: Context) -> None:
        """Make `context` current while the client works on the request."""
        self._context = context
        self._token = otel_context.attach(context)

    def leave(self, error: BaseException | None = None) -> None:
        """Undo `enter`."""
        # A coroutine may be closed from another context than its own: nothing to undo there.
        if not isinstance(error, GeneratorExit) or otel_context.get_current() is self._context:
            otel_context.detach(self._token)

    def answer(
        self, status_code: int, headers: Mapping[str, str], content_encoding: str = ""
    ) -> None:
        """Headers have come; `content_encoding` is what the chunks to be watched still have."""
        self._status_code = status_code
        self._reader.read_headers(headers)
        try:
            decode = decoder(content_encoding)
        except UnknownEncoding as error:
            faults.report("unknown content encoding", error)
        else:
            self._body = Body(self._reader, headers.get("content-type", ""), decode)
            self._is_stream = self._body.is_stream

    def read(self, content: bytes) -> None:
        """The body has come whole."""
        try:
            if self._body is not None:
                self._body.feed(content)
        except Exception as error:
            self.stop_watching(error)

    def stop_watching(self, error: Exception) -> None:
        """The rest of the answer cannot be read: the application's part of it goes on."""
        self.watch = _ignore
        self._body = None
        faults.report("unreadable response", error)

    def complete(self) -> None:
        """The answer was read to its end."""
        self._end()

    def abort(self) -> None:
        """The application has stopped reading: it closed, broke off or forgot the answer."""
        self._end(is_cut_short=True)

    def fail(self, error: BaseException) -> None:
        """The client raised, before or during the answer."""
        is_answered = self._status_code is not None
        # What is no Exception comes from the application: it cancels, closes or exits.
        if is_answered and not isinstance(error, Exception):
            self.abort()
        else:
            self._end(is_cut_short=is_answered, error=error)

    def _watch_first(self, chunk: bytes) -> None:
        self._first_chunk_seconds = time.perf_counter() - self._started
        self.watch = _ignore if self._body is None else self._body.feed
        self.watch(chunk)

    def _end(self, *, is_cut_short: bool = False, error: BaseException | None = None) -> None:
        try:
            _open.remove(self)
        except KeyError:
            return
        self.watch = _ignore
        if self._body is not None:
            self._finish_body(self._body)
        outcome = Outcome(
            status_code=self._status_code,
            exception=None if error is None else type(error).__qualname__,
            is_cut_short=is_cut_short and not self._reader.is_finished,
            is_stream=self._is_stream,
            first_chunk_seconds=self._first_chunk_seconds if self._is_stream else None,
        )
        self._end_spans(outcome)

    def _end_spans(self, outcome: Outcome) -> None:
        facts = self._reader.facts
        parts = facts.parts
        if parts:
            faults.guarded("span of a part", self._end_parts, parts, outcome)
        spans.end(
            self._span,
            self._request,
            facts,
            outcome,
            latest_conventions=self._latest_conventions,
        )

    def _end_parts(self, parts: Sequence[Facts], outcome: Outcome) -> None:
        """Usage that is billed at another model's price is a call of its own."""
        for part in parts:
            request = self._request._replace(model=part.response_model)
            span = self._sibling(request.span_name, self._span)
            if span is not None:
                spans.end(span, request, part, outcome, latest_conventions=self._latest_conventions)

    def _finish_body(self, body: Body) -> None:
        try:
            body.finish()
        except Exception as error:
            # What a proxy says instead of the provider need not be JSON.
            if self._status_code is not None and self._status_code < 400:
                faults.report("unreadable response", error)


def _ignore(chunk: bytes) -> None:
    pass


def open_count() -> int:
    """How many attempts have not ended yet."""
    return len(_open)


def abort_open() -> None:
    """End whatever is still being streamed, so that it is counted before the process ends."""
    for attempt in tuple(_open):
        faults.guarded("span", attempt.abort)


if hasattr(os, "register_at_fork"):
    # The parent ends what it began; the child must not end it a second time.
    os.register_at_fork(after_in_child=_open.clear)
