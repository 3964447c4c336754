"""Posts OTLP bodies to a processor as an exporter would: gzip, and again when it says so."""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Callable, Iterable, Mapping

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from taximeter_processor.errors import TaximeterError

SPANS_A_BODY = 512
PATIENCE_SECONDS = 120.0
_HEADERS = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}


def post_all(
    url: str,
    bodies: Iterable[tuple[bytes, int]],
    committed: Callable[[int], object],
    headers: Mapping[str, str] | None = None,
    verify: ssl.SSLContext | bool = True,
) -> None:
    """Post every (body, spans) to `url`; `committed` hears of each acknowledged number of spans.

    `verify` says whom an https `url` must be; by default any whom this machine trusts.
    Raises `TaximeterError` when spans are refused or nothing is accepted for two minutes.
    """
    with httpx2.Client(
        timeout=60, trust_env=False, verify=verify, headers={**_HEADERS, **(headers or {})}
    ) as client:
        for body, spans in bodies:
            try:
                _post(client, url, gzip.compress(body, compresslevel=1))
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise TaximeterError(f"{url} cannot be reached: {error!r}") from error
            committed(spans)


def _post(client: httpx2.Client, url: str, data: bytes) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = client.post(url, content=data)
        if answer.status_code not in (429, 503):
            break
        if time.monotonic() > deadline:
            raise TaximeterError(f"{url} was too busy for {PATIENCE_SECONDS:g} s: {answer.text}")
        time.sleep(_retry_after_seconds(answer))
    if answer.status_code != 200:
        raise TaximeterError(f"{url} answered {answer.status_code}: {answer.text[:200]}")
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    if partial.rejected_spans:
        raise TaximeterError(
            f"{url} refused {partial.rejected_spans} spans: {partial.error_message}"
        )


def _retry_after_seconds(answer: httpx2.Response) -> float:
    """What the answer asks for, at most the whole patience; a second where it gives no number."""
    told = answer.headers.get("retry-after", "")
    return min(float(told), PATIENCE_SECONDS) if told.isdecimal() else 1.0
