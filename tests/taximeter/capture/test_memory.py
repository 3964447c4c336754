"""Memory is flat: 20,000 calls and 2,000 streams broken off leave nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.taximeter.replay import PROVIDERS

PROGRAM = """
import gc, json, sys
from pathlib import Path

import httpx2
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

import taximeter
from taximeter.capture.attempt import open_count

class Ended(SpanProcessor):
    number = 0
    def on_end(self, span):
        Ended.number += 1

provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(Ended())
taximeter.instrument(tracer_provider=provider)
folder = Path(sys.argv[1])
whole = (folder / "openai-chat-json.json").read_bytes()
stream = (folder / "openai-chat-stream-usage.sse").read_bytes().split(b"\\n\\n")
URL = "https://api.openai.com/v1/chat/completions"

def answer(request):
    if b"stream" in request.content:
        events = (event + b"\\n\\n" for event in stream)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=events)
    return httpx2.Response(200, headers={"content-type": "application/json"}, content=whole)

def resident_kib():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

def calls(number):
    for _ in range(number):
        client.post(URL, json={"model": "gpt-4.1"})

def broken_off(number):
    for index in range(number):
        with client.stream("POST", URL, json={"model": "m", "stream": True}) as response:
            if index % 2:
                next(response.iter_raw())
        del response

with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
    calls(2_000), broken_off(200)
    before = resident_kib()
    calls(20_000), broken_off(2_000)
    grown = resident_kib() - before
print(json.dumps({"ended": Ended.number, "open": open_count(), "grown_kib": grown}))
"""


def test_nothing_is_left_of_many_calls_and_broken_streams() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(PROVIDERS)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["ended"] == 2_000 + 200 + 20_000 + 2_000
    assert found["open"] == 0
    assert found["grown_kib"] < 2_048
