"""Bedrock through boto3: one span an attempt, metered as the application reads."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError, ResponseStreamingError

import taximeter
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer, recording

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "Hi"}]}]


def client(server: ReplayServer, **config: Any) -> Any:
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
    )


def instrument(server: ReplayServer, spans: Spans, **options: Any) -> None:
    taximeter.instrument(
        tracer_provider=spans.provider,
        hosts={f"127.0.0.1:{server.port}": "aws.bedrock"},
        **options,
    )


@pytest.fixture
def bedrock(server: ReplayServer, spans: Spans) -> Iterator[Spans]:
    instrument(server, spans)
    yield spans
    taximeter.uninstrument()


def test_converse_is_metered_with_its_cache(server: ReplayServer, bedrock: Spans) -> None:
    server.answers.append(answer("bedrock-converse-json"))
    said = client(server).converse(modelId=f"us.{MODEL}", messages=MESSAGES)
    assert said["usage"]["inputTokens"] == 12
    attributes = bedrock.attributes()
    assert bedrock.one().name == f"chat us.{MODEL}"
    assert attributes["gen_ai.usage.input_tokens"] == 5060
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 2048
    assert attributes["taximeter.usage.cache_write_1h_input_tokens"] == 2000
    assert attributes["taximeter.retry_count"] == 0


def test_a_stream_of_events_is_metered_and_passes_unchanged(
    server: ReplayServer, bedrock: Spans
) -> None:
    server.answers.append(answer("bedrock-converse-stream"))
    events = list(client(server).converse_stream(modelId=MODEL, messages=MESSAGES)["stream"])
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 9
    attributes = bedrock.attributes()
    assert attributes["gen_ai.usage.input_tokens"] == 1511
    assert attributes["gen_ai.usage.output_tokens"] == 9
    assert attributes["gen_ai.response.time_to_first_chunk"]
    assert attributes["taximeter.usage_status"] == "reported"


def read(body: Any) -> bytes:
    found: bytes = body.read()
    return found


def pieces(body: Any) -> bytes:
    return b"".join(body.iter_chunks(7))


def exactly(body: Any) -> bytes:
    found: bytes = body.read(10) + body.read()
    return found


def into(body: Any) -> bytes:
    room = bytearray(100_000)
    return bytes(room[: body.readinto(room)])


@pytest.mark.parametrize("reading", [read, pieces, exactly, into])
def test_invoke_model_is_metered_whichever_way_its_body_is_read(
    server: ReplayServer, bedrock: Spans, reading: Any
) -> None:
    server.answers.append(answer("bedrock-invoke-anthropic"))
    body = client(server).invoke_model(modelId=MODEL, body=b"{}")["body"]
    assert reading(body) == recording("bedrock-invoke-anthropic").body
    del body
    gc.collect()
    attributes = bedrock.attributes()
    assert attributes["gen_ai.usage.input_tokens"] == 1044
    assert attributes["gen_ai.usage.output_tokens"] == 11
    assert attributes["gen_ai.response.model"] == "claude-sonnet-4-5-20250929"


def test_invoke_with_response_stream_is_metered(server: ReplayServer, bedrock: Spans) -> None:
    server.answers.append(answer("bedrock-invoke-stream-anthropic"))
    said = client(server).invoke_model_with_response_stream(modelId=MODEL, body=b"{}")
    assert len(list(said["body"])) > 2
    assert bedrock.attributes()["gen_ai.usage.output_tokens"] == 23


def test_each_retry_is_an_attempt_of_its_own(server: ReplayServer, bedrock: Spans) -> None:
    server.answers.extend([answer("bedrock-error-throttling"), answer("bedrock-converse-json")])
    retrying = client(server, retries={"total_max_attempts": 2, "mode": "standard"})
    retrying.converse(modelId=MODEL, messages=MESSAGES)
    attempts = [dict(span.attributes or {}) for span in bedrock.all()]
    assert [one.get("error.type") for one in attempts] == ["ThrottlingException", None]
    assert [one["taximeter.retry_count"] for one in attempts] == [0, 1]


def test_an_error_is_the_same_exception(server: ReplayServer, bedrock: Spans) -> None:
    server.answers.append(answer("bedrock-error-throttling"))
    with pytest.raises(ClientError, match="ThrottlingException"):
        client(server).converse(modelId=MODEL, messages=MESSAGES)
    assert bedrock.attributes()["taximeter.usage_status"] == "missing"


def test_a_stream_closed_half_way_is_partial_and_no_error(
    server: ReplayServer, bedrock: Spans
) -> None:
    body = recording("bedrock-converse-stream").body
    first = int.from_bytes(body[:4], "big")
    chunks = [body[:first], body[first:]]
    server.answers.append(answer("bedrock-converse-stream", chunks=chunks, is_held=True))
    stream = client(server).converse_stream(modelId=MODEL, messages=MESSAGES)["stream"]
    next(iter(stream))
    stream.close()
    del stream
    gc.collect()
    attributes = bedrock.attributes()
    assert attributes["taximeter.usage_status"] == "partial"
    assert "error.type" not in attributes


def test_a_body_that_nobody_reads_is_ended_when_it_is_forgotten(
    server: ReplayServer, bedrock: Spans
) -> None:
    server.answers.append(answer("bedrock-invoke-anthropic"))
    said = client(server).invoke_model(modelId=MODEL, body=b"{}")
    del said
    gc.collect()
    assert bedrock.attributes()["taximeter.usage_status"] == "partial"


def test_a_connection_cut_in_the_middle_is_an_error(server: ReplayServer, bedrock: Spans) -> None:
    server.answers.append(answer("bedrock-invoke-anthropic", is_cut=True))
    body = client(server).invoke_model(modelId=MODEL, body=b"{}")["body"]
    with pytest.raises((ResponseStreamingError, EventStreamError)):
        body.read()
    assert bedrock.attributes()["error.type"] == "ProtocolError"


def test_tags_are_stamped_into_request_metadata_when_asked(
    server: ReplayServer, spans: Spans
) -> None:
    instrument(server, spans, bedrock_metadata=True)
    server.answers.append(answer("bedrock-converse-json"))
    with taximeter.tags(feature="search", tenant="acme [eu]"):
        client(server).converse(modelId=MODEL, messages=MESSAGES, requestMetadata={"mine": "stays"})
    taximeter.uninstrument()
    # Bedrock would refuse the brackets: that tag is left out.
    assert server.bodies[-1]["requestMetadata"] == {"taximeter.feature": "search", "mine": "stays"}


def test_without_being_asked_a_request_is_not_stamped(server: ReplayServer, bedrock: Spans) -> None:
    server.answers.append(answer("bedrock-converse-json"))
    with taximeter.tags(feature="search"):
        client(server).converse(modelId=MODEL, messages=MESSAGES)
    assert "requestMetadata" not in server.bodies[-1]
