"""Turns the tag headers of a request into a `tags` block, if whoever sent it is trusted."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from taximeter import propagation, settings
from taximeter.tags import block_of, tags


class Inbound:
    """Whose tag headers are believed: every middleware asks here.

    A caller is trusted if its address lies in `trusted_peers` (default: TAXIMETER_TRUSTED_PEERS),
    or everybody is, with `trust_inbound=True`.
    """

    def __init__(
        self, *, trust_inbound: bool = False, trusted_peers: Iterable[str] | str | None = None
    ) -> None:
        self._trust_inbound = trust_inbound
        self._trusted_peers = settings.networks(trusted_peers)

    def block(self, address: object, headers: Iterable[tuple[bytes, bytes]]) -> tags | None:
        """The block to serve a request in, or None if it names no tag or nobody believes it.

        `address` is the peer's, as the server reports it; `headers` are read only if it is trusted.
        """
        if not self._is_trusted(address):
            return None
        found = propagation.from_headers(headers)
        return block_of(found) if found else None

    def _is_trusted(self, address: object) -> bool:
        if self._trust_inbound:
            return True
        if not self._trusted_peers or not isinstance(address, str):
            return False
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        return any(peer in network for network in self._trusted_peers)
