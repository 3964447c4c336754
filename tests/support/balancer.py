"""A small HTTP balancer: each request goes to the next server; one that is away answers 502."""

from __future__ import annotations

import http.client
import itertools
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Balancer:
    """Passes POST requests on to loopback ports in turn."""

    def __init__(self, ports: Sequence[int]) -> None:
        turns = itertools.cycle(ports)

        class Handler(BaseHTTPRequestHandler):
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

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
