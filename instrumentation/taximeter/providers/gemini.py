"""Turns responses of Google's Gemini API and of Vertex AI into facts.

Fields as in the google-genai SDK: `types.py` `GenerateContentResponseUsageMetadata`,
`EmbedContentResponse`; `_gaos/types/interactions/usage.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from taximeter.providers.base import (
    OTHER_ERROR,
    Facts,
    Hosts,
    Paths,
    Reader,
    count,
    items,
    members,
    parsed,
    text,
    token,
    total,
)
from taximeter.providers.openai import ChatReader, ResponsesReader, event_data, read_identity

_SMALL_BYTES = 64 * 1024
_TOKEN_COUNT = re.compile(rb'"token_count"\s*:\s*(\d{1,15})(?:\.0+)?\b')
_AUDIO = ("AUDIO", "audio", 4)
_IMAGE = ("IMAGE", "image", 2)
"""A modality's names; some of Vertex's answers number them."""


class GenerateReader(Reader):
    """generateContent and its stream. Every chunk holds totals: the last usage counts, whole."""

    TAIL_KEYS = (b"usageMetadata",)
    _READ_NOW = (b'"finishReason"', b'"groundingMetadata"', b'"error"', b'"promptFeedback"')

    def __init__(self) -> None:
        super().__init__()
        self._latest: bytes | None = None

    def read_headers(self, headers: Mapping[str, str]) -> None:
        self.facts.service_tier = token(headers.get("x-gemini-service-tier"))

    def skips(self, event: bytes) -> bool:
        for name in self._READ_NOW:
            if name in event:
                return False
        self._latest = event
        return True

    def read_event(self, data: bytes) -> None:
        for response in _responses(data):
            self.read_whole(response)
            if members(response.get("usageMetadata")):
                self._latest = None

    def read_whole(self, body: Mapping[str, Any]) -> None:
        facts = self.facts
        facts.response_model = text(body.get("modelVersion")) or facts.response_model
        facts.response_id = text(body.get("responseId")) or facts.response_id
        for position, candidate in enumerate(items(body.get("candidates"))):
            self._read_candidate(position, candidate)
        usage = members(body.get("usageMetadata"))
        if usage:
            _read_usage(facts, usage)
        _read_error(facts, body.get("error"))

    def finish(self) -> None:
        if self._latest is not None:
            latest = self._latest
            self.read_event(latest if latest.startswith(b"[") else event_data(latest))
            self._latest = None

    def _read_candidate(self, position: int, candidate: Mapping[str, Any]) -> None:
        reason = token(candidate.get("finishReason"))
        if reason is not None:
            index = count(candidate.get("index"))
            self.facts.finish_reasons[position if index is None else index] = reason
        queries = members(candidate.get("groundingMetadata")).get("webSearchQueries")
        if isinstance(queries, list):
            self.facts.web_search_requests = len(queries)


class GenerateStreamReader(GenerateReader):
    """streamGenerateContent: without `alt=sse` it streams one JSON array."""

    STREAMS_ARRAY = True


class EmbedReader(GenerateReader):
    """embedContent and batchEmbedContents; older models report nothing."""


class PredictReader(Reader):
    """Vertex's embeddings count each input by itself."""

    def read_body(self, body: bytes) -> None:
        if len(body) <= _SMALL_BYTES:
            self.read_whole(parsed(body))
            return
        # Such an answer holds vectors and numbers only, no words that could look like a count.
        counts = [int(number) for number in _TOKEN_COUNT.findall(body)]
        self.facts.input_tokens = sum(counts) if counts else None

    def read_whole(self, body: Mapping[str, Any]) -> None:
        counts = []
        for prediction in items(body.get("predictions")):
            embeddings = members(prediction.get("embeddings"))
            counts.append(count(members(embeddings.get("statistics")).get("token_count")))
        self.facts.input_tokens = total(*counts)
        _read_error(self.facts, body.get("error"))


class InteractionsReader(Reader):
    """Interactions: thoughts are outside the output that is reported."""

    TAIL_KEYS = (b"service_tier", b"usage")
    _READ = (b'"interaction.comp', b'"interaction.status', b'"error"', b'"interaction.start')

    def skips(self, event: bytes) -> bool:
        return not any(name in event for name in self._READ)

    def read_event(self, data: bytes) -> None:
        for event in _responses(data):
            self.read_whole(members(event.get("interaction")))
            _read_error(self.facts, event.get("error"))
            kind = event.get("event_type") or event.get("type")
            self.is_finished = kind in ("interaction.completed", "interaction.complete")

    def read_whole(self, body: Mapping[str, Any]) -> None:
        read_identity(self.facts, body)
        status = token(body.get("status"))
        if status is not None:
            self.facts.finish_reasons[0] = status
        usage = members(body.get("usage"))
        if usage:
            _read_interaction_usage(self.facts, usage)


class CompatibleReader(ChatReader):
    """Google's endpoint in OpenAI's format: thinking is in the total only."""

    def _read_usage(self, body: Mapping[str, Any]) -> None:
        super()._read_usage(body)
        facts = self.facts
        total_tokens = count(members(body.get("usage")).get("total_tokens"))
        if total_tokens is None or facts.input_tokens is None:
            return
        output = total_tokens - facts.input_tokens
        thoughts = output - (facts.output_tokens or 0)
        if thoughts > 0:
            facts.output_tokens = output
            facts.reasoning_tokens = facts.reasoning_tokens or thoughts


def _responses(data: bytes) -> list[dict[str, Any]]:
    """An event is a response; of a JSON array, it is a list of them."""
    return items(json.loads(data)) if data.startswith(b"[") else [parsed(data)]


def _read_usage(facts: Facts, usage: Mapping[str, Any]) -> None:
    thoughts = count(usage.get("thoughtsTokenCount"))
    tools = count(usage.get("toolUsePromptTokenCount"))
    facts.input_tokens = total(count(usage.get("promptTokenCount")), tools)
    facts.output_tokens = total(count(usage.get("candidatesTokenCount")), thoughts)
    facts.reasoning_tokens = thoughts
    facts.cache_read_tokens = count(usage.get("cachedContentTokenCount"))
    inputs = [
        *items(usage.get("promptTokensDetails")),
        *items(usage.get("toolUsePromptTokensDetails")),
    ]
    _read_modalities(
        facts,
        inputs,
        items(usage.get("cacheTokensDetails")),
        items(usage.get("candidatesTokensDetails")),
        "tokenCount",
    )
    facts.service_tier = token(usage.get("trafficType")) or facts.service_tier


def _read_interaction_usage(facts: Facts, usage: Mapping[str, Any]) -> None:
    thoughts = count(usage.get("total_thought_tokens"))
    tools = count(usage.get("total_tool_use_tokens"))
    facts.input_tokens = total(count(usage.get("total_input_tokens")), tools)
    facts.output_tokens = total(count(usage.get("total_output_tokens")), thoughts)
    facts.reasoning_tokens = thoughts
    facts.cache_read_tokens = count(usage.get("total_cached_tokens"))
    _read_modalities(
        facts,
        items(usage.get("input_tokens_by_modality")),
        items(usage.get("cached_tokens_by_modality")),
        items(usage.get("output_tokens_by_modality")),
        "tokens",
    )
    for tool in items(usage.get("grounding_tool_count")):
        if tool.get("type") == "google_search":
            facts.web_search_requests = count(tool.get("count"))


def _read_modalities(
    facts: Facts,
    inputs: list[dict[str, Any]],
    cached: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    name: str,
) -> None:
    facts.audio_input_tokens = _of(inputs, _AUDIO, name)
    facts.audio_cache_read_tokens = _of(cached, _AUDIO, name)
    facts.audio_output_tokens = _of(outputs, _AUDIO, name)
    facts.image_input_tokens = _of(inputs, _IMAGE, name)
    facts.image_cache_read_tokens = _of(cached, _IMAGE, name)
    facts.image_output_tokens = _of(outputs, _IMAGE, name)


def _of(details: list[dict[str, Any]], modality: tuple[object, ...], name: str) -> int | None:
    return total(*(count(item.get(name)) for item in details if item.get("modality") in modality))


def _read_error(facts: Facts, error: object) -> None:
    if error:
        values = members(error)
        facts.error_type = token(values.get("status")) or token(values.get("code")) or OTHER_ERROR


HOSTS: Hosts = (
    (r"generativelanguage\.googleapis\.com", "gcp.gemini"),
    (
        r"(?:[a-z0-9-]+-)?aiplatform\.googleapis\.com|aiplatform\.[a-z0-9-]+\.rep\.googleapis\.com",
        "gcp.vertex_ai",
    ),
)

PATHS: Paths = (
    (r"/v1(?:beta|alpha)?/openai/chat/completions$", "chat", CompatibleReader),
    (r"/endpoints/openapi/chat/completions$", "chat", CompatibleReader),
    (r"/publishers/openai/v1/responses$", "chat", ResponsesReader),
    (r":generateContent$", "generate_content", GenerateReader),
    (r":streamGenerateContent$", "generate_content", GenerateStreamReader),
    (r":(?:embedContent|batchEmbedContents)$", "embeddings", EmbedReader),
    (r"/models/[^/:]*embedding[^/:]*:predict$", "embeddings", PredictReader),
    (r"/v1(?:beta|alpha)?(?:/[^:]+)?/interactions$", "generate_content", InteractionsReader),
    (
        r"/publishers/(?!anthropic/)[^/]+/models/(?!count-tokens)[^/:]+"
        r":(?:rawPredict|streamRawPredict)$",
        "chat",
        ChatReader,
    ),
)
