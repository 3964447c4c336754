"""One HTTP connection with an end to its patience and its memory: uvicorn's has neither.

A head must come whole within seconds and stay small; an answer must be read; past the limit of
connections new ones are told to come back. A client that has said all it wants to say and closed
its half still gets its answer.

What may be a slow exporter is cut off without an answer, which it takes for a broken connection
and repeats; a status such as 408 would make it drop what it holds.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from taximeter_processor.metrics.meter import SelfMetrics

MOST_CONNECTIONS: Final = 1024
HEAD_BYTES: Final = 64 << 10
HEAD_SECONDS: Final = 10.0
REST_SECONDS: Final = 10.0
"""For the rest of a body that was answered before its end: it is read, or the answer is lost."""
UNREAD_SECONDS: Final = 60.0
_HEADER_OVERHEAD: Final = 64
"""Bytes of memory a header costs beside its text."""
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: 0\r\n\r\n"
)


class _HeadTooLarge(Exception):
    """More headers than anybody needs."""


class Connection(HttpToolsProtocol):
    """What uvicorn makes for every connection; `metrics` counts those that are cut off."""

    def __init__(self, *args: Any, metrics: SelfMetrics, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refused = metrics.http_refused
        self._is_in_head = True
        self._header_bytes = 0
        self._silent_bytes = 0
        """Bytes since the parser last made something of them."""
        self._timer: asyncio.TimerHandle | None = None
        """For the head, or for the rest of a body that nobody needs."""
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head, or refuse one connection too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refused.labels("too_many").inc()
            transport.write(_BUSY)
            transport.close()
            return
        self._wait(HEAD_SECONDS, "slow_head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._wait_no_more()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, in bounds."""
        if self.transport.is_closing():
            return
        if self._is_in_head and self._timer is None:
            self._wait(HEAD_SECONDS, "slow_head")
        self._silent_bytes += len(data)
        super().data_received(data)
        if self._silent_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refused.labels("large_head").inc()
            self.send_400_response("A line of the request is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, of the head or of a trailer, unless there are too many."""
        self._silent_bytes = 0
        self._header_bytes += len(name) + len(value) + _HEADER_OVERHEAD
        if self._header_bytes > HEAD_BYTES:
            self._refused.labels("large_head").inc()
            raise _HeadTooLarge  # uvicorn answers 400 and closes
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is here in time."""
        self._silent_bytes = 0
        self._is_in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._silent_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next bytes begin another head."""
        self._silent_bytes = self._header_bytes = 0
        self._is_in_head = True
        self._wait_no_more()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is given; the rest of its request is waited for, though not for ever."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._wait(REST_SECONDS, "slow_body")

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection until a request that is here whole is answered.

        TLS has no half-closed connections.
        """
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete or self.scheme == "https":
            return False
        cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """The client does not read; it may not hold an answer in our memory for ever."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self._cut_off, "unread")

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().resume_writing()

    def _wait(self, seconds: float, reason: str) -> None:
        self._wait_no_more()
        self._timer = self.loop.call_later(seconds, self._cut_off, reason)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut_off(self, reason: str) -> None:
        if not self.transport.is_closing():
            self._refused.labels(reason).inc()
            self.transport.abort()
