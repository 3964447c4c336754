"""A real processor that answers over TLS."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Any

from tests.support.certificates import Pair
from tests.support.servers import Processor

TOKENS = [{"name": "all", "scopes": ["ingest", "read"], "value": "token-of-all-0123456789"}]
HEADERS = {"authorization": "Bearer token-of-all-0123456789"}


class Secured(Processor):
    """A processor that answers over TLS; `trusted` is who signed its certificate."""

    def __init__(self, directory: Path, pair: Pair, trusted: Path, **tls: Any) -> None:
        self.trusted = trusted
        files = {"certificate": str(pair.certificate), "key": str(pair.key), **tls}
        super().__init__(directory, tls=files, tokens=TOKENS)

    def check(self) -> None:
        """TLS answers, whether it lets us in or not."""
        ssl.get_server_certificate(("127.0.0.1", self.port), timeout=5)

    def request(self, method: str, path: str, body: bytes = b"", client: Pair | None = None) -> int:
        """The status of an answer. Raises `OSError` when the handshake fails."""
        context = ssl.create_default_context(cafile=self.trusted)
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=20, context=context
        )
        headers = {**HEADERS, "content-type": "application/x-protobuf"}
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
