"""Turns tag headers of trusted callers into the tags of the requests an ASGI application serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from taximeter import faults
from taximeter.inbound import Inbound
from taximeter.tags import tags

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class TaximeterMiddleware:
    """Believe `x-taximeter-feature|tenant|team|request-type`, or baggage, from trusted callers.

    A caller is trusted if its address lies in `trusted_peers` (default: TAXIMETER_TRUSTED_PEERS),
    or everybody is, with `trust_inbound=True`. What the application sets itself, by `tags(…)`
    after it knows who is calling, overrides these tags.
    """

    def __init__(
        self,
        app: Application,
        *,
        trust_inbound: bool = False,
        trusted_peers: Iterable[str] | str | None = None,
    ) -> None:
        self._app = app
        self._inbound = Inbound(trust_inbound=trust_inbound, trusted_peers=trusted_peers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        block = faults.guarded("inbound tags", self._block, scope)
        if block is None:
            await self._app(scope, receive, send)
            return
        with block:
            await self._app(scope, receive, send)

    def _block(self, scope: Scope) -> tags | None:
        if scope["type"] not in ("http", "websocket"):
            return None
        address = (scope.get("client") or (None,))[0]
        return self._inbound.block(address, scope["headers"])
