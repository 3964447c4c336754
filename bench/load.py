"""Typical traffic for the benchmarks: bodies of 512 GenAI spans, and senders that post them."""

from __future__ import annotations

import gzip
import http.client
import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from taximeter import attributes as names

SPANS_PER_BODY = 512
MODELS = (
    ("gpt-5-mini", "gpt-5-mini-2025-08-07"),
    ("gpt-4.1", "gpt-4.1-2025-04-14"),
    ("gpt-5", "gpt-5-2025-08-07"),
)


def bodies(count: int, seed: int = 1, spans: int = SPANS_PER_BODY) -> Iterator[bytes]:
    """Gzipped protobuf bodies with ids never repeated, starting a few seconds ago."""
    draw = random.Random(seed)
    for _ in range(count):
        yield gzip.compress(body(draw, spans), 1)


def body(draw: random.Random, spans: int) -> bytes:
    """One export of one application, as Taximeter's instrumentation sends it."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    for key, value in (
        ("service.name", "bench"),
        ("deployment.environment.name", "prod"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.language", "python"),
    ):
        resource_spans.resource.attributes.append(_attribute(key, value))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = names.SCOPE_NAME
    start = time.time_ns() - 5_000_000_000
    for number in range(spans):
        span = scope_spans.spans.add()
        span.trace_id = draw.randbytes(16)
        span.span_id = draw.randbytes(8)
        span.start_time_unix_nano = start + number * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 800_000_000
        span.kind = span.SPAN_KIND_CLIENT
        request_model, response_model = draw.choice(MODELS)
        span.name = f"chat {request_model}"
        span.attributes.extend(_attributes(draw, number, request_model, response_model))
    return request.SerializeToString()


def _attributes(
    draw: random.Random, number: int, request_model: str, response_model: str
) -> list[KeyValue]:
    cached = draw.randrange(0, 2048, 128)
    values: dict[str, str | int | float | list[str]] = {
        names.OPERATION_NAME: "chat",
        names.PROVIDER_NAME: "openai",
        names.REQUEST_MODEL: request_model,
        names.RESPONSE_MODEL: response_model,
        names.RESPONSE_ID: f"chatcmpl-{draw.getrandbits(96):024x}",
        names.FINISH_REASONS: ["stop"],
        names.SERVER_ADDRESS: "api.openai.com",
        names.SERVER_PORT: 443,
        names.TIME_TO_FIRST_CHUNK: draw.random(),
        names.INPUT_TOKENS: cached + draw.randrange(20, 3000),
        names.OUTPUT_TOKENS: draw.randrange(64, 900),
        names.CACHE_READ_INPUT_TOKENS: cached,
        names.REASONING_OUTPUT_TOKENS: draw.randrange(0, 64),
        names.SERVICE_TIER: "standard",
        names.USAGE_STATUS: "reported",
        names.SEQUENCE: number,
        names.FEATURE: f"feature-{draw.randrange(40)}",
        names.TENANT: f"tenant-{draw.randrange(2000)}",
        names.TEAM: f"team-{draw.randrange(10)}",
        names.REQUEST_TYPE: "interactive",
    }
    return [_attribute(key, value) for key, value in values.items()]


def _attribute(key: str, value: str | float | list[str]) -> KeyValue:
    attribute = KeyValue(key=key)
    if isinstance(value, str):
        attribute.value.string_value = value
    elif isinstance(value, int):
        attribute.value.int_value = value
    elif isinstance(value, float):
        attribute.value.double_value = value
    else:
        attribute.value.array_value.values.extend(AnyValue(string_value=text) for text in value)
    return attribute


def send(port: int, prepared: Sequence[bytes], senders: int) -> None:
    """Post every body over `senders` connections, each retried until it is answered 200."""
    queue = iter(prepared)
    lock = threading.Lock()
    failures: list[str] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not failures:
            with lock:
                data = next(queue, None)
            if data is None:
                return
            if (answer := _post(connection, data)) is not None:
                failures.append(answer)

    threads = [threading.Thread(target=work) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])


def _post(connection: http.client.HTTPConnection, data: bytes) -> str | None:
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    for _ in itertools.repeat(None, 100):
        connection.request("POST", "/v1/traces", data, headers)
        response = connection.getresponse()
        text = response.read()
        if response.status == 200:
            return None
        if response.status != 503:
            return f"the server answered {response.status}: {text[:200]!r}"
        time.sleep(float(response.headers.get("retry-after", "1")))
    return "the server stayed overloaded"


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no resident memory")
