"""Senders of OTLP over HTTP that post a body until it is acknowledged, and remember it."""

from __future__ import annotations

import http.client
import random
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterable
from typing import Final

from tests.support.otlp import CHAT, proto_span, protobuf

CALL_PICO: Final = 236_800_000
"""160 input at $0.25, 1152 cached at $0.025, 84 output at $2 a million tokens."""
FEATURES: Final = ("search", "summary", "agent", "support")
_HEADERS: Final = {"content-type": "application/x-protobuf"}
_RETRY_SECONDS: Final = 0.1
"""Sooner than any answer asks for: the load must not go away with what it is there to load."""


class Load:
    """Calls of one price under ids of their own, posted by several threads.

    A body that was not acknowledged is posted again, as it is; of those that were, one in `repeat`
    is posted once more, as a Collector does that lost the answer.
    """

    def __init__(
        self,
        url: str,
        seed: int,
        *,
        senders: int = 2,
        spans: int = 10,
        pause_seconds: float = 0.05,
        repeat: int = 5,
        retries: bool = True,
    ) -> None:
        address = urllib.parse.urlsplit(url)
        self._host, self._port = str(address.hostname), int(address.port or 80)
        self._spans, self._pause, self._repeat = spans, pause_seconds, repeat
        self.features: tuple[str, ...] = FEATURES
        """What calls are for; may be changed while they are sent."""
        self._retries = retries
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.repeated = 0
        self.answers: Counter[str] = Counter()
        """By status; `none` for a connection that was refused or cut."""
        self.hurried: list[str] = []
        """Answers that ask for the same bytes again and do not say when."""
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(f"{seed} {number}"),))
            for number in range(senders)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish(seconds=0)

    def note(self, ids: Iterable[str]) -> None:
        """Calls that are in the ledger already, and have to stay there."""
        ids = list(ids)
        with self._lock:
            self.sent.update(ids)
            self.acknowledged.update(ids)

    def finish(self, seconds: float = 120) -> None:
        """Begin no more bodies, and retry those that were begun for so long. Idempotent."""
        self._stopping.set()
        self._deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join()

    _deadline: float = float("inf")

    def _work(self, draw: random.Random) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=60)
        while not self._stopping.is_set():
            ids = [f"{draw.getrandbits(64):016x}" for _ in range(self._spans)]
            body = _body(ids, draw, self.features)
            with self._lock:
                self.sent.update(ids)
            if self._deliver(connection, body):
                with self._lock:
                    self.acknowledged.update(ids)
                if not draw.randrange(self._repeat) and self._deliver(connection, body):
                    with self._lock:
                        self.repeated += len(ids)
            time.sleep(self._pause)
        connection.close()

    def _deliver(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        while True:
            status = self._post(connection, body)
            with self._lock:
                self.answers[status] += 1
            if status == "200":
                return True
            if not self._retries or time.monotonic() > self._deadline:
                return False
            time.sleep(_RETRY_SECONDS)

    def _post(self, connection: http.client.HTTPConnection, body: bytes) -> str:
        try:
            connection.request("POST", "/v1/traces", body, _HEADERS)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return "none"
        if response.status == 503 and not response.headers["retry-after"]:
            with self._lock:
                self.hurried.append(text.decode(errors="replace"))
        return str(response.status)


def _body(ids: list[str], draw: random.Random, features: tuple[str, ...]) -> bytes:
    now_ns = time.time_ns()
    spans = []
    for span_id in ids:
        response_id = f"chatcmpl-{draw.getrandbits(96):024x}"
        feature = draw.choice(features)
        span = proto_span(
            1, {**CHAT, "gen_ai.response.id": response_id, "taximeter.feature": feature}
        )
        span.span_id = bytes.fromhex(span_id)
        span.trace_id = draw.randbytes(16)
        span.start_time_unix_nano = now_ns - 2_000_000_000
        span.end_time_unix_nano = now_ns - 1_000_000_000
        spans.append(span)
    return protobuf(*spans)
