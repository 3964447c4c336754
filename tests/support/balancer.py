"""A small HTTP balancer: each request goes to the next server; one that is away answers 502."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Sequence

from tests.support.loopback import Loopback, Silent


class Balancer(Loopback):
    """Passes POST requests on to loopback ports in turn."""

    def __init__(self, ports: Sequence[int]) -> None:
        turns = itertools.cycle(ports)

        class Handler(Silent):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept = {"content-type": self.headers["content-type"]}
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", next(turns), timeout=30)
                    connection.request("POST", self.path, body, kept)
                    status = connection.getresponse().status
                    connection.close()
                except (OSError, http.client.HTTPException):
                    status = 502
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

        super().__init__(Handler)
