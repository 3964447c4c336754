"""The google-genai SDK: AI Studio and Vertex AI; its async client prefers aiohttp where that is."""

from __future__ import annotations

from typing import Any

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from tests.sdks.scenario import Sdk, left, shown_error

SDK = Sdk("google-genai")
HAS_RETRIES = "retry_options" in types.HttpOptions.model_fields
LITE = {"model": "gemini-2.5-flash-lite", "contents": "Hi"}
FLASH = {"model": "gemini-2.5-flash", "contents": "Hi"}


def studio(url: str, **options: Any) -> Any:
    """A client; one that nobody holds closes itself."""
    return genai.Client(api_key="secret", http_options={"base_url": url, **options})


def vertex(url: str) -> Any:
    return genai.Client(
        vertexai=True,
        project="example-project",
        location="us-central1",
        credentials=Credentials(token="secret"),
        http_options={"base_url": url},
    )


@SDK.scenario("JSON", "gemini-generate-json")
def generate(url: str) -> object:
    client = studio(url)
    return client.models.generate_content(**LITE)


@SDK.scenario("stream", "gemini-stream-sse")
def generate_stream(url: str) -> object:
    client = studio(url)
    return list(client.models.generate_content_stream(**FLASH))


@SDK.scenario("async JSON", "gemini-generate-json")
async def generate_async(url: str) -> object:
    client = studio(url)
    return await client.aio.models.generate_content(**LITE)


@SDK.scenario("async stream", "gemini-stream-sse")
async def generate_stream_async(url: str) -> object:
    client = studio(url)
    stream = await client.aio.models.generate_content_stream(**FLASH)
    return [chunk async for chunk in stream]


@SDK.scenario("retry", "gemini-error-429", "gemini-generate-json", exists=HAS_RETRIES)
def retried(url: str) -> object:
    options = types.HttpRetryOptions(attempts=2, initial_delay=0.01, max_delay=0.01)
    client = studio(url, retry_options=options)
    return client.models.generate_content(**LITE)


@SDK.scenario("error", "gemini-error-429")
def refused(url: str) -> object:
    client = studio(url)
    return shown_error(lambda: client.models.generate_content(**LITE))


@SDK.scenario("left early", left("gemini-stream-sse"))
def stream_left(url: str) -> object:
    client = studio(url)
    stream = client.models.generate_content_stream(**FLASH)
    first = next(stream)
    stream.close()
    return first


@SDK.scenario("left early", left("gemini-stream-sse"))
async def stream_left_async(url: str) -> object:
    client = studio(url)
    stream = await client.aio.models.generate_content_stream(**FLASH)
    async for chunk in stream:
        break
    await stream.aclose()
    return chunk


@SDK.scenario("embeddings", "gemini-embed")
def embeddings(url: str) -> object:
    client = studio(url)
    return client.models.embed_content(model="gemini-embedding-2", contents="Hello")


@SDK.scenario("Vertex AI", "vertex-gemini-json")
def vertex_generate(url: str) -> object:
    client = vertex(url)
    return client.models.generate_content(**FLASH)


@SDK.scenario("Vertex AI", "vertex-gemini-json")
async def vertex_generate_async(url: str) -> object:
    client = vertex(url)
    return await client.aio.models.generate_content(**FLASH)


@SDK.scenario("Vertex AI", "vertex-embed-predict")
def vertex_embeddings(url: str) -> object:
    client = vertex(url)
    return client.models.embed_content(
        model="text-embedding-005", contents=["Hello", "Hello again, world"]
    )
