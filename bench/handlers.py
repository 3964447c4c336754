"""The two servers the service is measured against: one that does nothing, one that does it naively.

Run as `python bench/handlers.py empty|naive PORT DIRECTORY`.
"""

from __future__ import annotations

import gzip
import sqlite3
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def read_body(receive: Receive) -> bytes:
    """All parts of a request's body."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def answer(send: Send) -> None:
    """200 with an empty body."""
    headers = [(b"content-type", b"application/x-protobuf"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def empty(scope: Message, receive: Receive, send: Send) -> None:
    """Reads the body and forgets it: the floor of any HTTP service in Python."""
    if scope["type"] == "http":
        await read_body(receive)
        await answer(send)


class Naive:
    """What one would write first: full messages, the price library a span, SQLite row by row."""

    def __init__(self, directory: Path) -> None:
        from genai_prices import Usage, calc_price
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )
        from prometheus_client import CollectorRegistry, Counter

        self._message, self._usage, self._price = ExportTraceServiceRequest, Usage, calc_price
        labels = ["feature", "team", "request_type", "provider", "model"]
        self._cost = Counter("cost_usd", "Cost.", labels, registry=CollectorRegistry())
        self._database = sqlite3.connect(directory / "naive.db", check_same_thread=False)
        self._database.execute("pragma journal_mode=wal")
        self._database.execute(
            "create table if not exists calls (trace_id text, span_id text, start_ns integer, "
            "feature text, tenant text, team text, request_type text, provider text, model text, "
            "input_tokens integer, cached integer, output_tokens integer, cost_usd text, "
            "primary key (trace_id, span_id, start_ns))"
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = self._message.FromString(gzip.decompress(await read_body(receive)))
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    self._store(span)
        self._database.commit()
        await answer(send)

    def _store(self, span: Any) -> None:
        found = {}
        for attribute in span.attributes:
            kind = attribute.value.WhichOneof("value")
            found[attribute.key] = getattr(attribute.value, kind)
        tags = [found[f"taximeter.{tag}"] for tag in ("feature", "tenant", "team", "request_type")]
        tokens = [
            found["gen_ai.usage.input_tokens"],
            found["gen_ai.usage.cache_read.input_tokens"],
            found["gen_ai.usage.output_tokens"],
        ]
        provider, model = found["gen_ai.provider.name"], found["gen_ai.response.model"]
        usage = self._usage(
            input_tokens=tokens[0], cache_read_tokens=tokens[1], output_tokens=tokens[2]
        )
        cost = self._price(usage, model, provider_id=provider).total_price
        self._cost.labels(tags[0], tags[2], tags[3], provider, model).inc(float(cost))
        row = [span.trace_id.hex(), span.span_id.hex(), span.start_time_unix_nano, *tags]
        self._database.execute(
            "insert or ignore into calls values (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [*row, provider, model, *tokens, str(cost)],
        )


def main(kind: str, port: str, directory: str) -> None:
    """Serve one of the two handlers."""
    handler = empty if kind == "empty" else Naive(Path(directory))
    uvicorn.run(handler, port=int(port), log_level="warning", access_log=False, http="httptools")


if __name__ == "__main__":
    main(*sys.argv[1:])
