"""Back-filling waits when told to, and says what was refused."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from taximeter_processor.delivery import post_all
from taximeter_processor.errors import TaximeterError


class Receiver(HTTPServer):
    """Answers with the given statuses in turn, then 200, and keeps the bodies."""

    def __init__(self, *statuses: int, answer: bytes = b"", retry_after: str = "0") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.answer = answer
        self.retry_after = retry_after
        self.authorizations: list[str | None] = []
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append(gzip.decompress(data))
        self.server.authorizations.append(self.headers["authorization"])
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("retry-after", self.server.retry_after)
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[list[Receiver]]:
    """Receivers put in here are running until the test ends."""
    running: list[Receiver] = []
    yield running
    for receiver in running:
        receiver.shutdown()
        receiver.server_close()


def start(receiver: Receiver, running: list[Receiver]) -> Receiver:
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    running.append(receiver)
    return receiver


def test_a_busy_processor_gets_the_same_bytes_again(serve: list[Receiver]) -> None:
    receiver = start(Receiver(503, 429), serve)
    committed: list[int] = []
    post_all(receiver.url, [(b"one", 512), (b"two", 7)], committed.append)
    assert receiver.bodies == [b"one", b"one", b"one", b"two"]
    assert committed == [512, 7]


def test_a_final_refusal_ends_it(serve: list[Receiver]) -> None:
    receiver = start(Receiver(400, answer=b"no OTLP"), serve)
    with pytest.raises(TaximeterError, match="answered 400: no OTLP"):
        post_all(receiver.url, [(b"one", 512)], lambda _: None)


def test_refused_spans_are_no_success(serve: list[Receiver]) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 3
    answer.partial_success.error_message = "future"
    receiver = start(Receiver(answer=answer.SerializeToString()), serve)
    with pytest.raises(TaximeterError, match="refused 3 spans: future"):
        post_all(receiver.url, [(b"one", 512)], lambda _: None)


def test_an_answer_that_gives_no_number_of_seconds_is_waited_out_too(serve: list[Receiver]) -> None:
    receiver = start(Receiver(503, retry_after="Wed, 18 Nov 2026 12:00:00 GMT"), serve)
    post_all(receiver.url, [(b"one", 1)], lambda _: None)
    assert receiver.bodies == [b"one", b"one"]


def test_every_body_shows_the_given_headers(serve: list[Receiver]) -> None:
    receiver = start(Receiver(), serve)
    headers = {"authorization": "Bearer 0123456789abcdef"}
    post_all(receiver.url, [(b"one", 1), (b"two", 1)], lambda _: None, headers)
    assert receiver.authorizations == ["Bearer 0123456789abcdef"] * 2
