"""Recorded provider answers, and a real HTTP server that replays them."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.loopback import Loopback, Silent

PROVIDERS = Path(__file__).parents[1] / "data" / "providers"


class Recording(NamedTuple):
    """One answer of a provider, and what it says."""

    name: str
    provider: str
    operation: str
    url: str
    request: Mapping[str, Any]
    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    expect: Mapping[str, Any]


@cache
def recordings() -> Mapping[str, Recording]:
    """All recordings, by name."""
    index = json.loads((PROVIDERS / "index.json").read_text())
    return {
        item["id"]: Recording(
            name=item["id"],
            body=(PROVIDERS / item["file"]).read_bytes(),
            **{key: item[key] for key in Recording._fields if key not in ("name", "body")},
        )
        for item in index
    }


def recording(name: str) -> Recording:
    return recordings()[name]


@dataclass(frozen=True)
class Answer:
    """What the server says to one request."""

    chunks: Sequence[bytes]
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False
    """The connection breaks after the last chunk."""
    is_held: bool = False
    """After the first chunk the rest waits for `ReplayServer.go_on`."""


def answer(name: str, **changes: Any) -> Answer:
    """A recording as an answer; a stream goes out one event a chunk."""
    recorded = recording(name)
    chunks: list[bytes] = [recorded.body]
    if "event-stream" in recorded.content_type:
        chunks = [event + b"\n\n" for event in recorded.body.split(b"\n\n") if event]
    values: dict[str, Any] = {
        "chunks": chunks,
        "status": recorded.status,
        "content_type": recorded.content_type,
        "headers": recorded.headers,
    }
    return Answer(**{**values, **changes})


class ReplayServer(Loopback):
    """Gives the answers in `answers` in turn, and keeps every request."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[Any] = []
        self.go_on = threading.Event()
        server = self

        class Handler(Silent):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with suppress(ValueError):
                    server.bodies.append(json.loads(body))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append((self.path, headers))
                self._send(server.answers.popleft())

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-type", answer.content_type)
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for number, chunk in enumerate(answer.chunks):
                    if number and answer.is_held:
                        server.go_on.wait(10)
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                if not answer.is_cut:
                    self.wfile.write(b"0\r\n\r\n")
                self.close_connection = answer.is_cut

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """Where SDKs find the provider's first version."""
        return f"{super().url}/v1"

    def stop(self) -> None:
        self.go_on.set()
        super().stop()
