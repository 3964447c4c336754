"""The real openai SDK, its real HTTP clients, and a real server: what each call becomes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from opentelemetry.trace import SpanKind, StatusCode

import taximeter
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import ReplayServer, answer, recording

HI: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def client(server: ReplayServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="secret", base_url=server.url, max_retries=0) as client:
        yield client


def test_a_json_call_becomes_one_client_span(
    client: openai.OpenAI, server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-chat-cached-reasoning"))
    client.chat.completions.create(model="o4-mini", messages=HI)
    span = metered.one()
    assert (span.name, span.kind, span.status.status_code) == (
        "chat o4-mini",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    attributes = dict(span.attributes or {})
    assert attributes.pop("taximeter.process")
    assert attributes.pop("taximeter.sequence")
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "o4-mini",
        "gen_ai.response.model": "o4-mini-2025-04-16",
        "gen_ai.response.id": recording("openai-chat-cached-reasoning").expect["response_id"],
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 2006,
        "gen_ai.usage.output_tokens": 1300,
        "gen_ai.usage.cache_read.input_tokens": 1920,
        "gen_ai.usage.reasoning.output_tokens": 1216,
        "gen_ai.usage.audio.input_tokens": 0,
        "gen_ai.usage.audio.output_tokens": 0,
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "taximeter.service_tier": "standard",
        "taximeter.usage_status": "reported",
        "taximeter.retry_count": 0,
    }


def test_a_stream_with_usage_is_read_to_its_last_chunk(
    client: openai.OpenAI, server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-chat-stream-usage"))
    chunks = list(
        client.chat.completions.create(
            model="gpt-5-mini",
            messages=HI,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    attributes = metered.attributes()
    assert attributes["gen_ai.usage.input_tokens"] == 1312
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 1152
    assert attributes["gen_ai.usage.output_tokens"] == 84
    assert attributes["gen_ai.request.stream"] is True
    assert chunks[-1].usage is not None
    first = attributes["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first, float)
    assert 0 < first < 10


def test_a_stream_without_usage_says_so(
    client: openai.OpenAI, server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-chat-stream-no-usage"))
    for _ in client.chat.completions.create(model="gpt-4o-mini", messages=HI, stream=True):
        pass
    attributes = metered.attributes()
    assert attributes["taximeter.usage_status"] == "missing"
    assert "gen_ai.usage.input_tokens" not in attributes
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)


def test_the_async_client_is_metered_alike(server: ReplayServer, metered: Spans) -> None:
    async def call() -> None:
        async with openai.AsyncOpenAI(api_key="secret", base_url=server.url) as client:
            await client.chat.completions.create(model="gpt-4.1", messages=HI)
            stream = await client.chat.completions.create(
                model="gpt-5-mini", messages=HI, stream=True
            )
            async for _ in stream:
                pass

    server.answers.extend([answer("openai-chat-json"), answer("openai-chat-stream-usage")])
    asyncio.run(call())
    counts = [dict(span.attributes or {})["gen_ai.usage.input_tokens"] for span in metered.all()]
    assert counts == [19, 1312]


def test_the_responses_api_is_read_whole_and_streamed(
    client: openai.OpenAI, server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-responses-cached-web-search"))
    server.answers.append(answer("openai-responses-stream-completed"))
    client.responses.create(model="gpt-5.6-sol", input="Hi")
    for _ in client.responses.create(model="gpt-5-mini", input="Hi", stream=True):
        pass
    whole, streamed = (dict(span.attributes or {}) for span in metered.all())
    assert whole["taximeter.usage.web_search_requests"] == 1
    assert whole["gen_ai.usage.cache_creation.input_tokens"] == 3072
    expected = recording("openai-responses-stream-completed").expect
    assert streamed["gen_ai.usage.input_tokens"] == expected["input_tokens"]
    assert streamed["gen_ai.usage.output_tokens"] == expected["output_tokens"]


def test_embeddings_have_input_only(
    client: openai.OpenAI, server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-embeddings"))
    client.embeddings.create(
        model="text-embedding-3-small", input="Hello world", encoding_format="float"
    )
    span = metered.one()
    expected = recording("openai-embeddings").expect["input_tokens"]
    assert span.name == "embeddings text-embedding-3-small"
    assert dict(span.attributes or {})["gen_ai.usage.input_tokens"] == expected
    assert "gen_ai.usage.output_tokens" not in (span.attributes or {})


def test_each_retry_is_an_attempt_of_its_own(server: ReplayServer, metered: Spans) -> None:
    server.answers.append(answer("openai-chat-error-429", headers={"retry-after-ms": "1"}))
    server.answers.append(answer("openai-chat-json"))
    with openai.OpenAI(api_key="secret", base_url=server.url, max_retries=2) as client:
        client.chat.completions.create(model="gpt-4.1", messages=HI)
    refused, answered = metered.all()
    assert refused.status.status_code is StatusCode.ERROR
    assert (refused.attributes or {})["error.type"] == "rate_limit_exceeded"
    assert (refused.attributes or {})["taximeter.retry_count"] == 0
    assert (answered.attributes or {})["taximeter.retry_count"] == 1
    assert (answered.attributes or {})["taximeter.usage_status"] == "reported"


def test_raw_and_streaming_responses_stay_what_they_are(
    client: openai.OpenAI, server: ReplayServer, metered: Spans
) -> None:
    server.answers.extend([answer("openai-chat-json"), answer("openai-chat-stream-usage")])
    raw = client.chat.completions.with_raw_response.create(model="gpt-4.1", messages=HI)
    assert raw.parse().id == "chatcmpl-TX0001"
    with client.chat.completions.with_streaming_response.create(
        model="gpt-5-mini", messages=HI, stream=True
    ) as response:
        lines = list(response.iter_lines())
    assert lines == recording("openai-chat-stream-usage").body.decode().splitlines()
    counts = [(span.attributes or {})["gen_ai.usage.input_tokens"] for span in metered.all()]
    assert counts == [19, 1312]


def test_a_legacy_httpx_client_given_to_the_sdk_is_metered(
    server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-chat-stream-usage"))
    with httpx.Client() as legacy:
        client = openai.OpenAI(
            api_key="secret",
            base_url=server.url,
            http_client=legacy,  # type: ignore[arg-type] # typed for httpx2, works with httpx
        )
        for _ in client.chat.completions.create(model="gpt-5-mini", messages=HI, stream=True):
            pass
    assert metered.attributes()["gen_ai.usage.output_tokens"] == 84


def test_a_mock_transport_is_metered_too(metered: Spans) -> None:
    body = recording("openai-chat-json").body
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body))
    client = openai.OpenAI(api_key="secret", http_client=httpx2.Client(transport=transport))
    client.chat.completions.create(model="gpt-4.1", messages=HI)
    attributes = metered.attributes()
    assert attributes["gen_ai.usage.input_tokens"] == 19
    assert (attributes["server.address"], attributes["server.port"]) == ("api.openai.com", 443)


def test_tags_are_on_the_span_itself(
    client: openai.OpenAI, server: ReplayServer, metered: Spans
) -> None:
    server.answers.append(answer("openai-chat-json"))
    with taximeter.tags(feature="search", tenant="acme", team="growth", request_type="rerank"):
        client.chat.completions.create(model="gpt-4.1", messages=HI)
    attributes = metered.attributes()
    assert [attributes[f"taximeter.{name}"] for name in ("feature", "tenant", "team")] == [
        "search",
        "acme",
        "growth",
    ]
    assert attributes["taximeter.request_type"] == "rerank"


def test_a_refused_connection_is_a_failed_attempt_and_the_same_exception(metered: Spans) -> None:
    client = openai.OpenAI(api_key="secret", base_url="http://127.0.0.1:9/v1", max_retries=0)
    taximeter.uninstrument()
    taximeter.instrument(tracer_provider=metered.provider, hosts="127.0.0.1:9=openai")
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="gpt-4.1", messages=HI)
    span = metered.one()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ConnectError"
    assert (span.attributes or {})["taximeter.usage_status"] == "missing"
