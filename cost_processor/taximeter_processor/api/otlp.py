"""`POST /v1/traces`: OTLP over HTTP as raw ASGI, answered only after the ledger's commit.

Status codes follow the OTLP specification: 503 asks for the same bytes again; 400, 401, 403, 405,
413 and 415 are final, and only given to what no retry would save.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from taximeter_processor.api.auth import Tokens
from taximeter_processor.errors import BadRequest, Overloaded
from taximeter_processor.ingest.otlp import JSON, PROTOBUF, media_type
from taximeter_processor.metrics.meter import SelfMetrics
from taximeter_processor.pipeline import Accepted, Answer, Body
from taximeter_processor.worker import IngestWorker

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

RECEIVE_SECONDS: Final = 30.0
RECEIVE_BYTES_A_SECOND: Final = 64 << 10
"""How long a body may take: this many seconds, and the time it needs at this rate."""

_log = logging.getLogger(__name__)


class TracesEndpoint:
    """Reads a bounded body, hands it to the worker and tells the client what became of it."""

    def __init__(
        self, worker: IngestWorker, metrics: SelfMetrics, tokens: Tokens, body_limit: int
    ) -> None:
        self._worker = worker
        self._metrics = metrics
        self._tokens = tokens
        self._limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        content_type = media_type(headers.get(b"content-type", ""))
        try:
            answer = await self._answer(scope, headers, content_type, receive)
        except (BadRequest, Overloaded) as error:
            # The traceback would keep what came of the body, and itself, alive.
            answer = error.with_traceback(None)
        except ClientGone:
            return
        except Exception:
            _log.exception("a request to /v1/traces failed; the client will retry")
            answer = Overloaded("an internal fault; retry", 5)
        await self._respond(answer, content_type, send)

    async def _answer(
        self, scope: Scope, headers: dict[bytes, str], content_type: str, receive: Receive
    ) -> Answer:
        if scope["method"] != "POST":
            raise BadRequest(405, "method", "expected POST")
        caller = self._tokens.require("ingest", headers.get(b"authorization", ""))
        if content_type not in (PROTOBUF, JSON):
            raise BadRequest(415, "content_type", f"{content_type!r} is not {PROTOBUF} or {JSON}")
        length = headers.get(b"content-length", "")
        if length.isdigit() and int(length) > self._limit:
            raise self._too_large()
        data = await self._body(receive)
        peer = scope["client"][0] if scope.get("client") else ""
        encoding = headers.get(b"content-encoding", "identity")
        future = self._worker.submit(Body(data, content_type, encoding, peer, *caller))
        self._metrics.body_bytes.inc(len(data))
        return await asyncio.wrap_future(future)

    async def _body(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size, begun = 0, time.monotonic()
        while True:
            patience = RECEIVE_SECONDS + size / RECEIVE_BYTES_A_SECOND
            try:
                left = max(begun + patience - time.monotonic(), 0)
                message = await asyncio.wait_for(receive(), left)
            except asyncio.TimeoutError as error:
                raise Overloaded(f"{size} bytes of the body came in {patience:.0f} s") from error
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            size += len(part)
            if size > self._limit:
                raise self._too_large()
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)

    def _too_large(self) -> BadRequest:
        return BadRequest(413, "body_too_large", f"the body exceeds {self._limit} bytes")

    async def _respond(self, answer: Answer, content_type: str, send: Send) -> None:
        status, headers = 200, []
        if isinstance(answer, BadRequest):
            status = answer.status
        elif isinstance(answer, Overloaded):
            status = 503
            headers = [(b"retry-after", str(answer.retry_after_seconds).encode())]
        self._metrics.requests.labels(str(status)).inc()
        as_json = content_type == JSON
        body = _body_of(answer, as_json)
        headers += [
            (b"content-type", (JSON if as_json else PROTOBUF).encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class ClientGone(Exception):
    """The client closed the connection before its body was complete: there is nobody to answer."""


def _body_of(answer: Answer, as_json: bool) -> bytes:
    """An `ExportTraceServiceResponse`, or for an error a `google.rpc.Status`."""
    if not isinstance(answer, Accepted):
        message = str(answer)
        return json.dumps({"message": message}).encode() if as_json else _status(message)
    if not answer.rejected_spans:
        return b"{}" if as_json else b""
    if as_json:
        partial = {
            "rejectedSpans": str(answer.rejected_spans),
            "errorMessage": answer.message,
        }
        return json.dumps({"partialSuccess": partial}).encode()
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = answer.rejected_spans
    response.partial_success.error_message = answer.message
    return bytes(response.SerializeToString())


def _status(message: str) -> bytes:
    return bytes(Status(message=message).SerializeToString())
