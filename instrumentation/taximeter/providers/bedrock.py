"""Turns responses of Amazon Bedrock into facts: Converse, and InvokeModel by what the body is.

Fields as in botocore's `bedrock-runtime` model: `TokenUsage`, `CacheDetail`, `ServiceTier`; an
invoked model answers in its maker's format.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from taximeter.providers.anthropic import MessagesReader
from taximeter.providers.base import (
    Facts,
    Hosts,
    Paths,
    Reader,
    count,
    first_count,
    items,
    members,
    parsed,
    text,
    token,
    total,
)
from taximeter.providers.openai_usage import read_usage

_HEADER = "x-amzn-bedrock-"
_NATIVE_COUNTS = (
    ("prompt_token_count", "generation_token_count"),
    ("inputTextTokenCount", "totalOutputTextTokenCount"),
)
"""Meta's and Titan's names, at the top of the body."""


class BedrockReader(Reader):
    """What every Bedrock answer has in its headers."""

    def read_headers(self, headers: Mapping[str, str]) -> None:
        self.facts.response_id = text(headers.get("x-amzn-requestid"))
        self.facts.service_tier = token(headers.get(_HEADER + "service-tier"))
        error = headers.get("x-amzn-errortype")
        if error is not None:
            self.read_failure(error.partition(":")[0])


class ConverseReader(BedrockReader):
    """Converse and ConverseStream, whose usage is in the last frame."""

    TAIL_KEYS = (b"serviceTier", b"stopReason", b"usage")

    def unwrap(self, name: str, payload: bytes) -> bytes | None:
        return payload if name in ("messageStop", "metadata") else None

    def read_event(self, data: bytes) -> None:
        event = parsed(data)
        self.read_whole(event)
        self.is_finished = "usage" in event

    def read_whole(self, body: Mapping[str, Any]) -> None:
        read_converse(self.facts, body)


class InvokeReader(BedrockReader):
    """InvokeModel and its stream: the body tells, else the headers, never both."""

    TAIL_KEYS = (b"stop_reason", b"model", b"usage")

    def __init__(self) -> None:
        super().__init__()
        self._anthropic = MessagesReader(self.facts)
        self._fallback: Mapping[str, Any] = {}

    def read_headers(self, headers: Mapping[str, str]) -> None:
        super().read_headers(headers)
        self._fallback = {
            name: int(value)
            for name, value in headers.items()
            if name.startswith(_HEADER) and value.isascii() and value.isdecimal()
        }

    def read_body(self, body: bytes) -> None:
        try:
            super().read_body(body)
        finally:
            self._fall_back(_HEADER + "{}-token-count")

    def unwrap(self, name: str, payload: bytes) -> bytes | None:
        return base64.b64decode(_encoded(payload)) if name == "chunk" else None

    def skips(self, event: bytes) -> bool:
        return self._anthropic.skips(event)

    def read_event(self, data: bytes) -> None:
        event = parsed(data)
        if "type" in event:
            self._anthropic.read_message_event(event)
            self.is_finished = self._anthropic.is_finished
        else:
            self.read_whole(event)
        metrics = members(event.get("amazon-bedrock-invocationMetrics"))
        if metrics:
            self.is_finished = True
            self._fallback = metrics

    def finish(self) -> None:
        self._fall_back("{}TokenCount")

    def read_whole(self, body: Mapping[str, Any]) -> None:
        usage = members(body.get("usage"))
        if body.get("type") == "message":
            self._anthropic.read_whole(body)
        elif "inputTokens" in usage or "stopReason" in body or "metadata" in body:
            read_converse(self.facts, members(body.get("metadata")) or body)
        elif "messageStop" in body:
            read_converse(self.facts, members(body["messageStop"]))
        else:
            self._read_native(body, usage)

    def _read_native(self, body: Mapping[str, Any], usage: Mapping[str, Any]) -> None:
        facts = self.facts
        facts.response_model = text(body.get("model")) or facts.response_model
        facts.response_id = text(body.get("id")) or facts.response_id
        choices = items(body.get("choices")) or items(body.get("outputs"))
        for index, choice in enumerate([*choices, *items(body.get("results")), body]):
            reason = _reason(choice)
            if reason is not None:
                facts.finish_reasons.setdefault(index, reason)
        if usage:
            read_usage(facts, usage)
        for input_name, output_name in _NATIVE_COUNTS:
            facts.input_tokens = _last(body, input_name, facts.input_tokens)
            facts.output_tokens = _last(body, output_name, facts.output_tokens)
        results = items(body.get("results"))
        if results:
            outputs = [count(result.get("tokenCount")) for result in results]
            facts.output_tokens = total(*outputs)

    def _fall_back(self, name: str) -> None:
        """Counts beside the body, in the headers or in the last event's metrics."""
        facts, get = self.facts, self._fallback.get
        if facts.is_usage_known or not self._fallback:
            return
        kinds = ("input", "output", "cache-read-input", "cache-write-input")
        if "-" not in name:
            kinds = ("input", "output", "cacheReadInput", "cacheWriteInput")
        uncached, output, read, written = (count(get(name.format(kind))) for kind in kinds)
        facts.cache_read_tokens, facts.cache_write_tokens = read, written
        facts.output_tokens = output
        facts.input_tokens = None if uncached is None else total(uncached, read, written)


def read_converse(facts: Facts, body: Mapping[str, Any]) -> None:
    """Take over what a Converse answer, or one of Nova's own, says."""
    reason = token(body.get("stopReason"))
    if reason is not None:
        facts.finish_reasons[0] = reason
    router = members(members(body.get("trace")).get("promptRouter"))
    facts.response_model = text(router.get("invokedModelId")) or facts.response_model
    tier = token(members(body.get("serviceTier")).get("type"))
    facts.service_tier = tier or facts.service_tier
    usage = members(body.get("usage"))
    if not usage:
        return
    facts.cache_read_tokens = first_count(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")
    facts.cache_write_tokens = first_count(
        usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount"
    )
    details = items(usage.get("cacheDetails"))
    hours = [count(item.get("inputTokens")) for item in details if item.get("ttl") == "1h"]
    facts.cache_write_1h_tokens = total(*hours)
    uncached = count(usage.get("inputTokens"))
    if uncached is not None:
        cached = (facts.cache_read_tokens, facts.cache_write_tokens)
        facts.input_tokens = total(uncached, *cached)
    facts.output_tokens = count(usage.get("outputTokens"))


def _encoded(payload: bytes) -> str | bytes:
    """The native event in a chunk: `{"bytes":"…","p":"…"}`, found without parsing."""
    start = payload.find(b'"bytes":"')
    if start < 0:
        found = json.loads(payload).get("bytes")
        return found if isinstance(found, str) else ""
    start += len(b'"bytes":"')
    return payload[start : payload.find(b'"', start)]


def _reason(choice: Mapping[str, Any]) -> str | None:
    for name in ("finish_reason", "stop_reason", "completionReason"):
        reason = token(choice.get(name))
        if reason is not None:
            return reason
    return None


def _last(body: Mapping[str, Any], name: str, known: int | None) -> int | None:
    found = count(body.get(name))
    return known if found is None else found


HOSTS: Hosts = (
    (r"bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?", "aws.bedrock"),
    (r"bedrock-runtime(?:-fips)?\.[a-z0-9-]+\.api\.aws", "aws.bedrock"),
    (r".+\.bedrock-runtime\.[a-z0-9-]+\.vpce\.amazonaws\.com", "aws.bedrock"),
    (r"bedrock-mantle\.[a-z0-9-]+\.api\.aws", "aws.bedrock"),
)

_INVOKE = r"/invoke(?:-with-response-stream)?$"
PATHS: Paths = (
    (r"/model/.+/converse(?:-stream)?$", "chat", ConverseReader),
    (r"/model/[^/]*embed.*" + _INVOKE, "embeddings", InvokeReader),
    (
        r"/model/[^/]*(?:meta\.|titan-text|mistral\.mi[sx]tral|cohere\.command-text)[^/]*"
        + _INVOKE,
        "text_completion",
        InvokeReader,
    ),
    (
        r"/model/[^/]*(?:stability|titan-image|canvas|reel|rerank)[^/]*" + _INVOKE,
        "generate_content",
        InvokeReader,
    ),
    (r"/model/.+" + _INVOKE, "chat", InvokeReader),
)
