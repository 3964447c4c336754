"""A replay provider: OpenAI's API over real HTTP on this machine, with an exact count of its own.

`GET /__served` tells every answer with its usage, and how many requests were turned away.
Run one with `python -m taximeter_processor.demo.provider --port 8090`.
"""

from __future__ import annotations

import argparse
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from taximeter_processor.demo import openai_bodies
from taximeter_processor.demo.answers import Answer, Answerer
from taximeter_processor.demo.openai_bodies import JsonObject

RETRY_AFTER_MS = "20"


class Provider:
    """The ASGI application. Every `fault_every`-th request gets a 429 or 500 instead (0: none)."""

    def __init__(self, *, fault_every: int = 0, seed: int = 1) -> None:
        self.answers: list[Answer] = []
        self.errors: Counter[int] = Counter()
        self._answerer = Answerer(seed)
        self._fault_every = fault_every
        self._requests = 0
        self.app = Starlette(
            routes=[
                self._route("/v1/chat/completions", self._chat),
                self._route("/v1/responses", self._response),
                self._route("/v1/embeddings", self._embeddings),
                Route("/__served", self._served),
            ]
        )

    def served(self) -> dict[str, Any]:
        """Every answer without its text, and the number of errors by status."""
        return {
            "answers": [answer._asdict() for answer in self.answers],
            "errors": {str(status): count for status, count in self.errors.items()},
        }

    def _route(self, path: str, respond: Callable[[JsonObject], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            body = await request.json()
            return self._refusal() or respond(body)

        return Route(path, endpoint, methods=["POST"])

    def _chat(self, body: JsonObject) -> Response:
        answer = self._count(self._answerer.generate(body, "chatcmpl-"))
        if body.get("stream"):
            include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            return _events(openai_bodies.chat_events(answer, include_usage=include_usage))
        return JSONResponse(openai_bodies.chat(answer))

    def _response(self, body: JsonObject) -> Response:
        answer = self._count(self._answerer.generate(body, "resp_"))
        if body.get("stream"):
            return _events(openai_bodies.response_events(answer))
        return JSONResponse(openai_bodies.response(answer))

    def _embeddings(self, body: JsonObject) -> Response:
        answer = self._count(self._answerer.embed(body))
        count = len(body["input"]) if isinstance(body.get("input"), list) else 1
        encoding_format = body.get("encoding_format", "float")
        return JSONResponse(openai_bodies.embeddings(answer, count, encoding_format))

    async def _served(self, _: Request) -> Response:
        return JSONResponse(self.served())

    def _count(self, answer: Answer) -> Answer:
        self.answers.append(answer._replace(text=""))
        return answer

    def _refusal(self) -> Response | None:
        """The due error, 429 and 500 in turn."""
        self._requests += 1
        if not self._fault_every or self._requests % self._fault_every:
            return None
        status = 429 if self._requests // self._fault_every % 2 else 500
        self.errors[status] += 1
        return JSONResponse(
            openai_bodies.error(status), status, headers={"retry-after-ms": RETRY_AFTER_MS}
        )


class ProviderServer:
    """A `Provider` on a loopback port (0: a free one), in a thread of its own while entered."""

    def __init__(self, provider: Provider, port: int = 0) -> None:
        self.provider = provider
        self._socket = socket.create_server(("127.0.0.1", port))
        self._server = uvicorn.Server(
            uvicorn.Config(provider.app, log_level="warning", lifespan="off")
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="replay-provider", daemon=True
        )

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as its `base_url`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> ProviderServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def _events(lines: Iterator[str]) -> Response:
    return StreamingResponse(lines, media_type="text/event-stream")


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Answer like the OpenAI API, and count it.")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--fault-every", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    provider = Provider(fault_every=arguments.fault_every)
    uvicorn.run(provider.app, host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
