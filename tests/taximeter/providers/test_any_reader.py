"""What holds for every reader, whatever it is given."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taximeter.capture.body import Body
from taximeter.providers import _ENDPOINTS
from taximeter.providers.base import Facts, Reader
from tests.taximeter.providers.reading import cut, frame
from tests.taximeter.providers.test_recordings import RECORDINGS, facts_of, route_of
from tests.taximeter.replay import Recording

READERS = sorted({reader for _, _, reader, _ in _ENDPOINTS}, key=lambda reader: reader.__name__)
MEDIA_TYPES = (
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
)
NAMES = [
    "usage",
    "model",
    "id",
    "choices",
    "index",
    "finish_reason",
    "error",
    "code",
    "type",
    "status",
    "service_tier",
    "message",
    "delta",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "cached_tokens",
    "cost",
    "is_byok",
    "cost_details",
    "upstream_inference_cost",
    "x_groq",
    "usage_breakdown",
    "models",
    "tool_usage",
    "image_gen",
    "tools",
    "iterations",
    "input_tokens",
    "output_tokens",
    "cache_creation",
    "speed",
    "message_start",
    "message_delta",
    "usageMetadata",
    "promptTokenCount",
    "candidatesTokenCount",
    "promptTokensDetails",
    "modality",
    "tokenCount",
    "candidates",
    "finishReason",
    "groundingMetadata",
    "webSearchQueries",
    "interaction",
    "predictions",
    "embeddings",
    "statistics",
    "token_count",
    "stopReason",
    "inputTokens",
    "cacheDetails",
    "ttl",
    "serviceTier",
    "metadata",
    "messageStop",
    "billed_units",
    "tokens",
    "meta",
    "done",
    "prompt_eval_count",
    "event_type",
    "stream-end",
    "response",
    "usage_info",
    "results",
    "tokenCount",
    "amazon-bedrock-invocationMetrics",
    "seconds",
    "prompt_audio_seconds",
]
odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=20,
)
sizes = st.lists(st.integers(min_value=1, max_value=64), min_size=1, max_size=9)


def facts_in(reader: type[Reader], media_type: str, wire: bytes, sizes: list[int]) -> Facts:
    reading = reader()
    body = Body(reading, media_type)
    with contextlib.suppress(ValueError):
        for chunk in cut(wire, sizes):
            body.feed(chunk)
        body.finish()
    return reading.facts


def on_the_wire(media_type: str, values: list[Any]) -> bytes:
    documents = [json.dumps(value).encode() for value in values]
    if media_type == "text/event-stream":
        return b"".join(b"data: %s\n\n" % document for document in documents)
    if media_type == "application/x-ndjson":
        return b"\n".join(documents)
    if media_type == "application/vnd.amazon.eventstream":
        chunks = [
            frame(json.dumps({"bytes": base64.b64encode(document).decode()}).encode(), event_type=n)
            for document in documents
            for n in ("chunk", "metadata")
        ]
        return b"".join(chunks)
    return b"".join(documents[:1])


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=30)
@given(st.sampled_from(MEDIA_TYPES), st.lists(odd, max_size=4), sizes)
def test_no_odd_shape_raises_and_no_cut_changes_the_facts(
    reader: type[Reader], media_type: str, values: list[Any], sizes: list[int]
) -> None:
    wire = on_the_wire(media_type, values)
    assert facts_in(reader, media_type, wire, sizes) == facts_in(
        reader, media_type, wire, [max(len(wire), 1)]
    )


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=20)
@given(st.sampled_from(MEDIA_TYPES), st.binary(max_size=200), sizes)
def test_noise_raises_nothing_but_value_errors(
    reader: type[Reader], media_type: str, noise: bytes, sizes: list[int]
) -> None:
    facts_in(reader, media_type, noise, sizes)


@pytest.mark.parametrize("recorded", RECORDINGS, ids=lambda recorded: recorded.name)
@settings(max_examples=5)
@given(sizes=sizes)
def test_a_recording_cut_anywhere_is_read_alike(recorded: Recording, sizes: list[int]) -> None:
    route = route_of(recorded)
    assert route is not None
    reader = route.reader()
    reader.read_headers(recorded.headers)
    body = Body(reader, recorded.content_type)
    for chunk in cut(recorded.body, sizes):
        body.feed(chunk)
    body.finish()
    assert reader.facts == facts_of(recorded, 1 << 20)


CONTENT = (b'"Hello"', b'"Hel"', b'"lo"', b'"Hello!"', b'"Greet."', b'"Summary."', b'"Hello."')


@pytest.mark.parametrize(
    "recorded",
    [
        recorded
        for recorded in RECORDINGS
        if any(words in recorded.body for words in CONTENT)
        # Other words would not fit the checksums of its frames.
        and "amazon" not in recorded.content_type
    ],
    ids=lambda recorded: recorded.name,
)
@settings(max_examples=5)
@given(secret=st.text(min_size=1, max_size=30))
def test_nothing_a_model_wrote_is_in_the_facts(recorded: Recording, secret: str) -> None:
    told = json.dumps(f"SECRET{secret}").encode()
    body = recorded.body
    for words in CONTENT:
        body = body.replace(words, told)
    facts = facts_of(recorded._replace(body=body), 1 << 20)
    assert "SECRET" not in repr(facts)
    assert facts == facts_of(recorded, 1 << 20)
