"""aiobotocore's `bedrock-runtime` client, which sends through aiohttp."""

from __future__ import annotations

from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from tests.sdks.scenario import Sdk, left, shown_error_async
from tests.sdks.scenarios.boto3 import BODY, HI, NOVA, SONNET

SDK = Sdk("aiobotocore")


def client(url: str, attempts: int = 1) -> Any:
    return get_session().create_client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=AioConfig(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


@SDK.scenario("async JSON", "bedrock-converse-json")
async def converse(url: str) -> object:
    async with client(url) as bedrock:
        return await bedrock.converse(modelId=SONNET, messages=HI)


@SDK.scenario("async stream", "bedrock-converse-stream")
async def converse_stream(url: str) -> object:
    async with client(url) as bedrock:
        answer = await bedrock.converse_stream(modelId=NOVA, messages=HI)
        return [event async for event in answer["stream"]]


@SDK.scenario("retry", "bedrock-error-throttling", "bedrock-converse-json")
async def retried(url: str) -> object:
    async with client(url, attempts=2) as bedrock:
        return await bedrock.converse(modelId=SONNET, messages=HI)


@SDK.scenario("error", "bedrock-error-throttling")
async def refused(url: str) -> object:
    async with client(url) as bedrock:
        return await shown_error_async(bedrock.converse(modelId=NOVA, messages=HI))


@SDK.scenario("left early", left("bedrock-converse-stream"))
async def stream_left(url: str) -> object:
    async with client(url) as bedrock:
        answer = await bedrock.converse_stream(modelId=NOVA, messages=HI)
        async for event in answer["stream"]:
            break
        answer["stream"].close()
        return event


@SDK.scenario("InvokeModel", "bedrock-invoke-anthropic")
async def invoke(url: str) -> object:
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    async with client(url) as bedrock:
        answer = await bedrock.invoke_model(modelId=model, body=BODY)
        return await answer["body"].read()


@SDK.scenario("InvokeModel stream", "bedrock-invoke-stream-anthropic")
async def invoke_stream(url: str) -> object:
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"
    async with client(url) as bedrock:
        answer = await bedrock.invoke_model_with_response_stream(modelId=model, body=BODY)
        return [event async for event in answer["body"]]
