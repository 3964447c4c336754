"""Turns responses in OpenAI's formats, which most other providers and gateways speak, into facts.

What their usage objects hold is in `openai_usage.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taximeter.providers.base import (
    OTHER_ERROR,
    Facts,
    Hosts,
    Paths,
    Reader,
    count,
    dollars,
    items,
    members,
    parsed,
    text,
    token,
    whole_seconds,
)
from taximeter.providers.openai_usage import read_breakdown, read_image_tool, read_usage

_IDENTITY_EVENTS = 3
"""Azure names neither id nor model in its first event, and some servers never name an id."""


class ChatReader(Reader):
    """Chat completions, legacy completions and embeddings, whole or streamed."""

    TAIL_KEYS = (b"id", b"model", b"usage")

    def __init__(self) -> None:
        super().__init__()
        self._identity_events = 0
        self._latest: bytes | None = None

    def read_headers(self, headers: Mapping[str, str]) -> None:
        cost = headers.get("x-litellm-response-cost")
        if cost is not None:
            self.facts.reported_cost_usd = dollars(cost)

    def skips(self, event: bytes) -> bool:
        if self._identity_events < _IDENTITY_EVENTS:
            return False
        find = event.rfind
        # Within the model's own words the quotes would be escaped, so these are members.
        if find(b'"finish_reason":null') < 0 and find(b'"finish_reason": null') < 0:
            return False
        if find(b'"usage":null') >= 0 or find(b'"usage": null') >= 0 or find(b'"usage"') < 0:
            return True
        if find(b'"choices":[]') >= 0 or find(b'"error"') >= 0:
            return False
        # Running totals, as vLLM's: only the last of them will be read.
        self._latest = event
        return True

    def read_event(self, data: bytes) -> None:
        if data.startswith(b"[DONE]"):
            self.is_finished = True
            return
        event = parsed(data)
        self.read_whole(event)
        if members(event.get("usage")):
            self._latest = None
            # The event for usage alone is the last but `[DONE]`: some clients read no further.
            self.is_finished = event.get("choices") == []
        known = self.facts.response_id and self.facts.response_model
        self._identity_events += _IDENTITY_EVENTS if known else 1

    def finish(self) -> None:
        if self._latest is not None:
            self._read_usage(parsed(event_data(self._latest)))
            self._latest = None

    def read_whole(self, body: Mapping[str, Any]) -> None:
        read_identity(self.facts, body)
        for position, choice in enumerate(items(body.get("choices"))):
            reason = token(choice.get("finish_reason"))
            if reason is not None:
                index = count(choice.get("index"))
                self.facts.finish_reasons[position if index is None else index] = reason
        self._read_usage(body)

    def _read_usage(self, body: Mapping[str, Any]) -> None:
        groq = members(body.get("x_groq"))
        usage = members(body.get("usage")) or members(groq.get("usage"))
        if usage:
            read_usage(self.facts, usage)
        breakdown = members(body.get("usage_breakdown")) or members(groq.get("usage_breakdown"))
        if breakdown:
            read_breakdown(self.facts, breakdown)
        if groq.get("error"):
            self.facts.error_type = OTHER_ERROR


class ResponsesReader(Reader):
    """The Responses API, whole or streamed; `finish_reasons` holds its status or why it stopped."""

    TAIL_KEYS = (b"service_tier", b"tool_usage", b"usage")
    _FINAL = ("response.completed", "response.incomplete", "response.failed")
    _EARLY = ("response.created", "response.queued", "response.in_progress")
    _SKIPPED = (
        b"event: response.output_text.",
        b"event: response.reasoning",
        b"event: response.function_call_arguments.",
        b"event: response.output_item.",
        b"event: response.content_part.",
        b'{"type":"response.output_text.',
        b'{"type":"response.reasoning',
        b'{"type":"response.function_call_arguments.',
        b'{"type":"response.output_item.',
        b'{"type":"response.content_part.',
        # With partial pictures: megabytes.
        b"event: response.image_generation_call.",
        b'{"type":"response.image_generation_call.',
    )

    def skips(self, event: bytes) -> bool:
        return event.startswith(self._SKIPPED)

    def read_event(self, data: bytes) -> None:
        if data.startswith(b"[DONE]"):
            return
        event = parsed(data)
        kind = event.get("type")
        if kind in self._FINAL:
            self.read_whole(members(event.get("response")))
            self.is_finished = True
        elif kind in self._EARLY:
            read_identity(self.facts, members(event.get("response")))
            # Before the end this is the tier that was asked for.
            self.facts.service_tier = None
        elif kind == "error":
            code = token(event.get("code"))
            self.facts.error_type = code or _error_code(event.get("error"))

    def read_whole(self, body: Mapping[str, Any]) -> None:
        read_identity(self.facts, body)
        reason = token(members(body.get("incomplete_details")).get("reason"))
        status = reason or token(body.get("status"))
        if status is not None:
            self.facts.finish_reasons[0] = status
        usage = members(body.get("usage"))
        if usage:
            read_usage(self.facts, usage)
        searches = members(members(body.get("tool_usage")).get("web_search"))
        if searches:
            self.facts.web_search_requests = count(searches.get("num_requests"))
        read_image_tool(self.facts, body)


class UsageLastReader(Reader):
    """Images and transcriptions: the usage is at the end, or in the last event."""

    def skips(self, event: bytes) -> bool:
        return event.rfind(b'"usage"') < 0 and event.rfind(b'"error"') < 0

    def read_event(self, data: bytes) -> None:
        self.read_whole(parsed(data))
        self.is_finished = self.facts.is_usage_known

    def read_whole(self, body: Mapping[str, Any]) -> None:
        read_identity(self.facts, body)
        usage = members(body.get("usage"))
        if usage:
            read_usage(self.facts, usage)


class TranscriptionReader(UsageLastReader):
    """Transcriptions and translations: tokens or seconds; older answers tell the sound's length."""

    def read_body(self, body: bytes) -> None:
        if body.lstrip()[:1] == b"{":
            super().read_body(body)
        # Else it was asked for as text or subtitles, which say nothing of usage.

    def read_whole(self, body: Mapping[str, Any]) -> None:
        super().read_whole(body)
        if "usage" not in body:
            self.facts.audio_seconds = whole_seconds(body.get("duration"))


def read_identity(facts: Facts, body: Mapping[str, Any]) -> None:
    """Model, id, tier and error, where every OpenAI format has them."""
    facts.response_model = text(body.get("model")) or facts.response_model
    facts.response_id = text(body.get("id")) or facts.response_id
    facts.service_tier = token(body.get("service_tier")) or facts.service_tier
    error = body.get("error")
    if error:
        facts.error_type = _error_code(error)


def event_data(event: bytes) -> bytes:
    """The data of an event that a reader kept: with or without the lines around it."""
    start = event.find(b"{")
    return event[start:] if start >= 0 else b"{}"


def _error_code(error: object) -> str:
    code = token(members(error).get("code")) or token(members(error).get("type"))
    return code or OTHER_ERROR


HOSTS: Hosts = (
    (r"(?:[a-z]+\.)?api\.openai\.com", "openai"),
    (r".+\.(?:openai\.azure|cognitiveservices\.azure|services\.ai\.azure)\.com", "azure.ai.openai"),
    (r"api\.deepseek\.com", "deepseek"),
    (r"api\.groq\.com", "groq"),
    (r"(?:[a-z0-9-]+\.)?api\.x\.ai", "x_ai"),
    (r"openrouter\.ai", "openrouter"),
    (r"api\.together\.(?:xyz|ai)", "together_ai"),
    (r"api\.fireworks\.ai", "fireworks_ai"),
    (r"api\.perplexity\.ai", "perplexity"),
    (r"api\.moonshot\.(?:ai|cn)", "moonshot_ai"),
)

PATHS: Paths = (
    (r"/agents/completions$", "chat", ChatReader),
    (r"/chat/completions$", "chat", ChatReader),
    (r"/responses(?:/compact)?$", "chat", ResponsesReader),
    (r"/embeddings$", "embeddings", ChatReader),
    (r"/images/(?:generations|edits|variations)$", "generate_content", UsageLastReader),
    (r"/audio/(?:transcriptions|translations)$", "generate_content", TranscriptionReader),
    (r"/audio/speech$", "generate_content", Reader),
    (r"/completions$", "text_completion", ChatReader),
)
"""Path tail, `gen_ai.operation.name`, reader. Tails, because gateways prefix the paths."""
