"""A provider for tests: real HTTP, documented bodies, a fresh response id each, an exact count."""

from __future__ import annotations

import json
import threading
from collections import Counter
from itertools import count

from tests.support.loopback import Loopback, Silent

CHAT = {
    "object": "chat.completion",
    "created": 1795000000,
    "model": "gpt-4.1-2025-04-14",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there.", "refusal": None},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29},
    "service_tier": "default",
}
STREAM_USAGE = {
    "prompt_tokens": 1312,
    "completion_tokens": 84,
    "total_tokens": 1396,
    "prompt_tokens_details": {"cached_tokens": 1152},
    "completion_tokens_details": {"reasoning_tokens": 64},
}
EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.0023, -0.0093]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}
PICO_USD = {
    # gpt-4.1: 19 x $2 + 10 x $8 a million tokens
    "chat": 118_000_000,
    # gpt-5-mini: 160 x $0.25 + 1152 x $0.025 + 84 x $2 a million tokens
    "stream": 236_800_000,
    # text-embedding-3-small: 8 x $0.02 a million tokens
    "embeddings": 160_000,
}
"""What one answer of each kind costs, worked out by hand from the public price list."""


class ReplayProvider(Loopback):
    """Answers chat completions (JSON and SSE) and embeddings on a free port."""

    def __init__(self) -> None:
        self.served: Counter[str] = Counter()
        provider = self
        numbers = count(1)
        lock = threading.Lock()

        class Handler(Silent):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    number = next(numbers)
                kind = "stream" if request.get("stream") else "chat"
                if self.path.endswith("/embeddings"):
                    kind = "embeddings"
                {"chat": self._chat, "stream": self._stream, "embeddings": self._embeddings}[kind](
                    number
                )
                with lock:
                    provider.served[kind] += 1

            def _chat(self, number: int) -> None:
                self._json({"id": f"chatcmpl-{number}", **CHAT})

            def _embeddings(self, number: int) -> None:
                self._json(EMBEDDINGS)

            def _json(self, body: object) -> None:
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _stream(self, number: int) -> None:
                chunk = {
                    "id": f"chatcmpl-{number}",
                    "object": "chat.completion.chunk",
                    "created": 1795000001,
                    "model": "gpt-5-mini-2025-08-07",
                    "service_tier": "default",
                }
                delta = {"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}
                last = {"index": 0, "delta": {}, "finish_reason": "stop"}
                events = [
                    {**chunk, "choices": [delta], "usage": None},
                    {**chunk, "choices": [last], "usage": None},
                    {**chunk, "choices": [], "usage": STREAM_USAGE},
                ]
                lines = [f"data: {json.dumps(event)}\n\n" for event in events]
                self.send_response(200)
                self.send_header("content-type", "text/event-stream; charset=utf-8")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for line in [*lines, "data: [DONE]\n\n"]:
                    self.wfile.write(f"{len(line):x}\r\n{line}\r\n".encode())
                self.wfile.write(b"0\r\n\r\n")

        super().__init__(Handler)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def cost_pico(self) -> int:
        """What everything served so far costs."""
        return sum(PICO_USD[kind] * times for kind, times in self.served.items())
