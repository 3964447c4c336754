"""Answers chat completions from bytes made beforehand: what a call costs its provider stays small.

Run as `python bench/peers/provider.py`; it prints its port and serves until its input ends.
"""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from typing import Final

CHUNKS: Final = 200
"""Content chunks of a stream; one with the usage follows."""
USAGE: Final = {
    "prompt_tokens": 1312,
    "completion_tokens": 84,
    "total_tokens": 1396,
    "prompt_tokens_details": {"cached_tokens": 1152, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 64,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
RECORDED: Final = frozenset((1312, 84, 1152, 64))
"""The counts that a complete instrumentation has on its span."""
MODEL: Final = "gpt-5-mini-2025-08-07"


def body() -> bytes:
    """A whole answer."""
    message = {"role": "assistant", "content": "Hello there."}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _compact(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1795000000,
            "model": MODEL,
            "choices": [choice],
            "usage": USAGE,
            "service_tier": "default",
            "system_fingerprint": "fp_1a2b3c4d5e",
        }
    )


def events() -> list[bytes]:
    """A streamed answer, event by event."""
    delta = {"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}
    last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    chunks = [
        *(_chunk([delta], None) for _ in range(CHUNKS - 1)),
        _chunk([last], None),
        _chunk([], USAGE),
        b"[DONE]",
    ]
    return [b"data: " + chunk + b"\n\n" for chunk in chunks]


def _chunk(choices: list[dict[str, object]], usage: object) -> bytes:
    return _compact(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1795000000,
            "model": MODEL,
            "service_tier": "default",
            "system_fingerprint": "fp_1a2b3c4d5e",
            "choices": choices,
            "usage": usage,
            "obfuscation": "a1B2c3D4",
        }
    )


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _whole() -> bytes:
    content = body()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(content) + content


def _streamed() -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return b"".join([head, *(b"%x\r\n%s\r\n" % (len(each), each) for each in (*events(), b""))])


class _Connection(socketserver.StreamRequestHandler):
    """One keep-alive connection; a stream is sent in one burst, each event a chunk of its own."""

    disable_nagle_algorithm = True
    whole = _whole()
    streamed = _streamed()

    def handle(self) -> None:
        try:
            while (request := self._request()) is not None:
                self.wfile.write(self.streamed if b'"stream":true' in request else self.whole)
        except ConnectionError:
            """The client broke off."""

    def _request(self) -> bytes | None:
        length = 0
        while (line := self.rfile.readline()) != b"\r\n":
            if not line:
                return None
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return self.rfile.read(length)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main() -> None:
    """Serve until standard input ends, which it does with whoever started this."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
