"""Keeps foreign pages out: a `Host` allow-list on every request, a foreign `Origin` refused.

A form of a foreign site cannot be sent here either: browsers say where a request comes from.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from taximeter_processor.api.otlp import Receive, Scope, Send
from taximeter_processor.settings import Settings

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'none'; style-src 'self'; img-src 'self' data:; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
)


class Guard:
    """ASGI middleware against DNS rebinding and cross-site requests."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = _allowed_hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421 or 403 for strangers, else pass on and add the security headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: dict[bytes, str]) -> PlainTextResponse | None:
        host = headers.get(b"host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            text = f"host {host!r} is not served here: add it to allowed_hosts\n"
            return PlainTextResponse(text, 421)
        origin = headers.get(b"origin")
        if origin is not None and not self._is_own(origin, host):
            return PlainTextResponse(
                f"requests from {origin} are refused: if it is yours, set public_url\n", 403
            )
        if method != "GET" and headers.get(b"sec-fetch-site") in _FOREIGN_SITES:
            return PlainTextResponse("requests from another site are refused\n", 403)
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        """The page is of this very server, or of an allowed name in front of it.

        Another port of this machine is another server.
        """
        try:
            parts = urlsplit(origin)
            name = parts.hostname
        except ValueError:
            return False
        if parts.netloc.lower() == host.lower():
            return True
        return name in (self._hosts or ()) and name not in _LOOPBACK


def _allowed_hosts(settings: Settings) -> frozenset[str] | None:
    """Names this service answers to; None (any) for a public address that names none.

    A public address has tokens, and a page of another origin cannot make a browser send one.
    """
    hosts = {*settings.allowed_hosts}
    if settings.public_url:
        hosts.add(urlsplit(settings.public_url).hostname or "")
    if settings.is_loopback:
        hosts |= _LOOPBACK
    elif hosts:
        hosts |= {settings.host, f"[{settings.host}]", *_LOOPBACK}
    return frozenset(host.lower() for host in hosts) if hosts else None


def _name(host: str) -> str:
    """The host without its port, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()
