"""Servers that fork their workers after start-up: every worker's calls arrive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.support.otlp_sink import OtlpSink, attributes_of

SERVER = """
import os, httpx2, taximeter
taximeter.instrument()
answer = {"model": "gpt-4.1", "usage": {"prompt_tokens": 19, "completion_tokens": 10}}
transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
client = httpx2.Client(transport=transport)
def call():
    client.post("https://api.openai.com/v1/chat/completions", json={"model": "gpt-4.1"})
call()
workers = []
for _ in range(3):
    worker = os.fork()
    if not worker:
        call(), call()
        assert taximeter.flush()
        os._exit(0)
    workers.append(worker)
for worker in workers:
    assert os.waitpid(worker, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_every_forked_worker_numbers_and_delivers_its_own_calls() -> None:
    with OtlpSink() as sink:
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        subprocess.run([sys.executable, "-c", SERVER], env=environment, check=True, timeout=60)
        calls = Counter(attributes_of(span)["taximeter.process"] for span in sink.spans)
    assert sorted(calls.values()) == [1, 2, 2, 2]
