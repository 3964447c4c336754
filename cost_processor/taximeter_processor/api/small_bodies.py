"""Reads the body of a request of people whole before the framework does, in time and bounded.

The framework would take any size into memory before it looks at a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from taximeter_processor.api.otlp import Receive, Scope, Send
from taximeter_processor.metrics.meter import SelfMetrics

BODY_BYTES: Final = 64 << 10
BODY_SECONDS: Final = 10.0


class SmallBodies:
    """ASGI middleware: 413 for a body above 64 KiB, 408 for one that takes longer than 10 s."""

    def __init__(self, app: ASGIApp, metrics: SelfMetrics) -> None:
        self._app = app
        self._refused = metrics.http_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that is already here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(_read(receive), BODY_SECONDS)
        except asyncio.TimeoutError:
            await self._refuse(408, "slow_body", f"no body within {BODY_SECONDS:g} s", scope, send)
            return
        except _TooLarge:
            reason = f"expected a body of at most {BODY_BYTES} bytes"
            await self._refuse(413, "large_body", reason, scope, send)
            return
        if body is None:
            return
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive_again() -> MutableMapping[str, Any]:
            return next(messages, None) or await receive()

        await self._app(scope, receive_again, send)

    async def _refuse(self, status: int, reason: str, text: str, scope: Scope, send: Send) -> None:
        self._refused.labels(reason).inc()
        await JSONResponse({"detail": text}, status)(scope, _nothing, send)


class _TooLarge(Exception):
    """The body exceeds its limit."""


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when the client went away."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > BODY_BYTES:
            raise _TooLarge
        if not message.get("more_body"):
            return body


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
