"""A TCP proxy before PostgreSQL that cuts a connection at a commit, before or after it happens."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal

Moment = Literal["before", "after"]


class CuttingProxy:
    """Passes everything on until `cut_at` names the moment at which the next commit is cut."""

    def __init__(self, port: int) -> None:
        """`port` is the server's, on loopback."""
        self._server_port = port
        self.cut_at: Moment | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        # Either end may go at any moment, and `_pass_on` then closes both.
        with suppress(OSError):
            self._pass_requests_on(client, server)

    def _pass_requests_on(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(client):
            if self.cut_at is not None and b"commit" in data:
                moment, self.cut_at = self.cut_at, None
                # Nothing may come back: the answers end here.
                client.shutdown(socket.SHUT_RDWR)
                if moment == "after":
                    server.sendall(data)
                break
            server.sendall(data)
        # The server ends the session when it has read all that came.
        server.shutdown(socket.SHUT_WR)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    while data := _received(source):
        try:
            target.sendall(data)
        except OSError:
            continue
    for end in (source, target):
        end.close()


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(1 << 16)
    except OSError:
        return b""
