"""Turns tag headers of trusted callers into the tags of the requests a Flask application serves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from taximeter.wsgi import TaximeterMiddleware

if TYPE_CHECKING:
    from flask import Flask


class Taximeter:
    """A Flask extension around the WSGI middleware: `Taximeter(app)`, or `init_app(app)` later.

    What is not given is read from the application's configuration: `TAXIMETER_TRUST_INBOUND` and
    `TAXIMETER_TRUSTED_PEERS`; then from the environment variable TAXIMETER_TRUSTED_PEERS.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        trust_inbound: bool | None = None,
        trusted_peers: Iterable[str] | str | None = None,
    ) -> None:
        self._trust_inbound = trust_inbound
        self._trusted_peers = trusted_peers
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve the application's requests inside the tags of trusted callers."""
        trust, peers = self._trust_inbound, self._trusted_peers
        if trust is None:
            trust = app.config.get("TAXIMETER_TRUST_INBOUND", False)
        if peers is None:
            peers = app.config.get("TAXIMETER_TRUSTED_PEERS")
        middleware = TaximeterMiddleware(
            app.wsgi_app, trust_inbound=bool(trust), trusted_peers=peers
        )
        app.wsgi_app = middleware  # type: ignore[method-assign] # Flask's documented place
