"""Turns tag headers of trusted callers into the tags of the requests an ASGI application serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from ipaddress import IPv6Address, ip_address
from typing import Any

from taximeter import attributes, faults, propagation, settings
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
        self._trust_inbound = trust_inbound
        self._trusted_peers = settings.networks(trusted_peers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = faults.guarded("inbound tags", self._inbound_tags, scope)
        if not found:
            await self._app(scope, receive, send)
            return
        with tags(
            feature=found.get(attributes.FEATURE),
            tenant=found.get(attributes.TENANT),
            team=found.get(attributes.TEAM),
            request_type=found.get(attributes.REQUEST_TYPE),
        ):
            await self._app(scope, receive, send)

    def _inbound_tags(self, scope: Scope) -> dict[str, str]:
        if scope["type"] not in ("http", "websocket") or not self._is_trusted(scope):
            return {}
        return propagation.from_headers(scope["headers"])

    def _is_trusted(self, scope: Scope) -> bool:
        if self._trust_inbound:
            return True
        client = scope.get("client")
        if not self._trusted_peers or not client:
            return False
        try:
            address = ip_address(client[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._trusted_peers)
