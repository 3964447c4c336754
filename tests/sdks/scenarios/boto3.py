"""boto3's `bedrock-runtime` client: Converse and InvokeModel, whole and as binary event streams."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config

from tests.sdks.scenario import Sdk, left, shown_error

SDK = Sdk("boto3")
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "amazon.nova-pro-v1:0"
HI = [{"role": "user", "content": [{"text": "Hi"}]}]
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 256, "messages": []})


def client(url: str, attempts: int = 1) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


@SDK.scenario("JSON", "bedrock-converse-json")
def converse(url: str) -> object:
    return client(url).converse(modelId=SONNET, messages=HI)


@SDK.scenario("stream", "bedrock-converse-stream")
def converse_stream(url: str) -> object:
    return list(client(url).converse_stream(modelId=NOVA, messages=HI)["stream"])


@SDK.scenario("retry", "bedrock-error-throttling", "bedrock-converse-json")
def retried(url: str) -> object:
    return client(url, attempts=2).converse(modelId=SONNET, messages=HI)


@SDK.scenario("error", "bedrock-error-throttling")
def refused(url: str) -> object:
    return shown_error(lambda: client(url).converse(modelId=NOVA, messages=HI))


@SDK.scenario("left early", left("bedrock-converse-stream"))
def stream_left(url: str) -> object:
    stream = client(url).converse_stream(modelId=NOVA, messages=HI)["stream"]
    first = next(iter(stream))
    stream.close()
    return first


@SDK.scenario("InvokeModel", "bedrock-invoke-anthropic")
def invoke(url: str) -> object:
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    return client(url).invoke_model(modelId=model, body=BODY)["body"].read()


@SDK.scenario("InvokeModel", "bedrock-invoke-headers-only")
def invoke_in_pieces(url: str) -> object:
    model = "meta.llama3-3-70b-instruct-v1:0"
    return list(client(url).invoke_model(modelId=model, body=BODY)["body"].iter_chunks(7))


@SDK.scenario("InvokeModel stream", "bedrock-invoke-stream-anthropic")
def invoke_stream(url: str) -> object:
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"
    return list(client(url).invoke_model_with_response_stream(modelId=model, body=BODY)["body"])
