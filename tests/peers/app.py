"""An application with Taximeter and another instrumentation, which makes a JSON call and a stream.

usage: app.py BASE_URL FIRST SECOND, the two in the order of their start
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import openai
from openai.types.chat import ChatCompletionUserMessageParam
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import taximeter
from tests.support import peers


def main(base_url: str, *names: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    for name in names:
        if name == "taximeter":
            taximeter.instrument(feature="search", team="growth")
        else:
            peers.instrument(name, provider)
    client = openai.OpenAI(base_url=base_url, api_key="sk-test")
    message: ChatCompletionUserMessageParam = {"role": "user", "content": "Hi"}
    client.chat.completions.create(model="gpt-4.1", messages=[message])
    chunks = client.chat.completions.create(
        model="gpt-5-mini",
        messages=[message],
        stream=True,
        stream_options={"include_usage": True},
    )
    for _ in chunks:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
