"""An HTTP server in a thread of the test, on loopback, for what stands in for somebody else's."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STOP_SECONDS = 0.01
"""How often a server looks whether it is to stop: hundreds of tests begin and end one."""


class Silent(BaseHTTPRequestHandler):
    """Handles requests without a line on standard error for each."""

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Loopback:
    """Serves from its creation until `stop`; `port` 0 means a free one."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_SECONDS,), daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class OnePage(Loopback):
    """Answers every GET with the same text."""

    def __init__(self, text: str, content_type: str) -> None:
        class Handler(Silent):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", content_type)
                self.end_headers()
                self.wfile.write(text.encode())

        super().__init__(Handler)
