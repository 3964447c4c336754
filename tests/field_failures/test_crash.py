"""A crash between commit and acknowledgement: the sender sends again, and nothing counts twice."""

from __future__ import annotations

import http.client
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.otlp import proto_span, protobuf
from tests.support.servers import Processor, get

DYING = Path(__file__).parents[1] / "support" / "dying_processor.py"


class DyingProcessor(Processor):
    """Dies between its first commit of calls and the answer."""

    def command(self) -> Sequence[str]:
        return [sys.executable, str(DYING), *super().command()[3:]]

    def wait_for_death(self) -> int:
        """What it died of."""
        assert self._process is not None
        return self._process.wait(30)


def fresh_spans(count: int) -> list[Span]:
    spans = [proto_span(number) for number in range(1, count + 1)]
    for span in spans:
        span.end_time_unix_nano = time.time_ns() - 1_000_000_000
        span.start_time_unix_nano = span.end_time_unix_nano - 1_000_000_000
        # Each names a response of its own.
        span.attributes.pop(4)
    return spans


def post(processor: Processor, body: bytes) -> int:
    headers = {"content-type": "application/x-protobuf"}
    request = urllib.request.Request(f"{processor.url}/v1/traces", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def test_a_crash_between_commit_and_acknowledgement_counted_twice(tmp_path: Path) -> None:
    body = protobuf(*fresh_spans(7))
    dying = DyingProcessor(tmp_path)
    dying.start()
    with pytest.raises((urllib.error.URLError, http.client.HTTPException, OSError)):
        post(dying, body)
    assert dying.wait_for_death() == -signal.SIGKILL
    processor = Processor(tmp_path)
    processor.start()
    before = processor.api("costs", since="1d")["total"]
    assert post(processor, body) == 200
    after = processor.api("costs", since="1d")["total"]
    counted = sum(
        Decimal(line.rpartition(" ")[2])
        for line in get(f"{processor.url}/metrics").splitlines()
        if line.startswith("taximeter_cost_usd_total{")
    )
    verified = processor.api("ledger/verify")
    processor.stop()
    # The commit was durable: 7 x $0.0002368 were there before the body came again.
    assert (before["requests"], before["cost_usd"]) == (7, "0.0016576")
    assert after == before
    assert abs(counted - Decimal("0.0016576")) < Decimal("1e-12")
    assert verified["ok"] is True
