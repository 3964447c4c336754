"""Reads responses in OpenAI's formats, which most other providers and gateways speak too.

Fields as in the openai SDK: `types/completion_usage.py`, `types/responses/response_usage.py`,
`types/images_response.py`, `types/audio/transcription.py`, `types/create_embedding_response.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from taximeter.providers.base import (
    OTHER_ERROR,
    Facts,
    Reader,
    count,
    dollars,
    members,
    parsed,
    parsed_tail,
    text,
    token,
)

_TICKS_PER_USD = 10**10
_LARGE_BODY_BYTES = 64 * 1024
_IDENTITY_EVENTS = 3
"""Azure names neither id nor model in its first event, and some servers never name an id."""


class ChatReader(Reader):
    """Chat completions, legacy completions and embeddings, whole or streamed."""

    def __init__(self) -> None:
        super().__init__()
        self._identity_events = 0

    def read_headers(self, headers: Mapping[str, str]) -> None:
        cost = headers.get("x-litellm-response-cost")
        if cost is not None:
            self.facts.reported_cost_usd = dollars(cost)

    def read_body(self, body: bytes) -> None:
        if len(body) > _LARGE_BODY_BYTES:
            tail = parsed_tail(body, b"model") or parsed_tail(body, b"usage")
            if tail is not None and "usage" in tail:
                # Embeddings: the vectors come first, and parsing them would cost milliseconds.
                self._read(tail)
                return
        self._read(parsed(body))

    def skips(self, event: bytes) -> bool:
        if self._identity_events < _IDENTITY_EVENTS:
            return False
        find = event.rfind
        # Within the model's own words the quotes would be escaped, so these are members.
        if find(b'"finish_reason":null') < 0 and find(b'"finish_reason": null') < 0:
            return False
        return find(b'"usage":null') >= 0 or find(b'"usage": null') >= 0 or find(b'"usage"') < 0

    def read_event(self, data: bytes) -> None:
        if data.startswith(b"[DONE]"):
            self.is_finished = True
            return
        self._read(parsed(data))
        known = self.facts.response_id and self.facts.response_model
        self._identity_events += _IDENTITY_EVENTS if known else 1

    def _read(self, body: Mapping[str, Any]) -> None:
        _read_identity(self.facts, body)
        for position, choice in enumerate(_items(body.get("choices"))):
            reason = token(choice.get("finish_reason"))
            if reason is not None:
                index = count(choice.get("index"))
                self.facts.finish_reasons[position if index is None else index] = reason
        groq = members(body.get("x_groq"))
        usage = members(body.get("usage")) or members(groq.get("usage"))
        if usage:
            read_usage(self.facts, usage)
        if groq.get("error"):
            self.facts.error_type = OTHER_ERROR


class ResponsesReader(Reader):
    """The Responses API, whole or streamed; `finish_reasons` holds its status or why it stopped."""

    _FINAL = ("response.completed", "response.incomplete", "response.failed")
    _EARLY = ("response.created", "response.queued", "response.in_progress")
    _SKIPPED = (
        b"event: response.output_text.",
        b"event: response.reasoning",
        b"event: response.function_call_arguments.",
        b"event: response.output_item.",
        b"event: response.content_part.",
    )

    def read_body(self, body: bytes) -> None:
        self._read(parsed(body))

    def skips(self, event: bytes) -> bool:
        return event.startswith(self._SKIPPED)

    def read_event(self, data: bytes) -> None:
        event = parsed(data)
        kind = event.get("type")
        if kind in self._FINAL:
            self._read(members(event.get("response")))
            self.is_finished = True
        elif kind in self._EARLY:
            _read_identity(self.facts, members(event.get("response")))
            # Before the end this is the tier that was asked for.
            self.facts.service_tier = None
        elif kind == "error":
            self.facts.error_type = token(event.get("code")) or OTHER_ERROR

    def _read(self, body: Mapping[str, Any]) -> None:
        _read_identity(self.facts, body)
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


class ImagesReader(Reader):
    """Images: the picture comes first and is long, the usage is at the end or in the last event."""

    def read_body(self, body: bytes) -> None:
        self._read(parsed_tail(body, b"usage") or parsed(body))

    def skips(self, event: bytes) -> bool:
        return event.rfind(b'"usage"') < 0 and event.rfind(b'"error"') < 0

    def read_event(self, data: bytes) -> None:
        self._read(parsed(data))

    def _read(self, body: Mapping[str, Any]) -> None:
        _read_identity(self.facts, body)
        usage = members(body.get("usage"))
        if usage:
            read_usage(self.facts, usage)
            self.is_finished = True


def read_usage(facts: Facts, usage: Mapping[str, Any]) -> None:
    """Take over a usage object: the last one stands for the whole response, so it replaces."""
    inputs = _first_members(
        usage, "prompt_tokens_details", "input_tokens_details", "input_token_details"
    )
    outputs = _first_members(usage, "completion_tokens_details", "output_tokens_details")
    facts.input_tokens = _first_count(usage, "prompt_tokens", "input_tokens")
    facts.output_tokens = _first_count(usage, "completion_tokens", "output_tokens")
    facts.reasoning_tokens = count(outputs.get("reasoning_tokens"))
    facts.cache_read_tokens = _first_count(inputs, "cached_tokens")
    if facts.cache_read_tokens is None:
        facts.cache_read_tokens = _first_count(
            usage, "prompt_cache_hit_tokens", "cache_read_input_tokens"
        )
    facts.cache_write_tokens = _first_count(inputs, "cache_write_tokens")
    if facts.cache_write_tokens is None:
        facts.cache_write_tokens = count(usage.get("cache_creation_input_tokens"))
    facts.audio_input_tokens = count(inputs.get("audio_tokens"))
    facts.audio_output_tokens = count(outputs.get("audio_tokens"))
    facts.image_input_tokens = count(inputs.get("image_tokens"))
    facts.image_output_tokens = count(outputs.get("image_tokens"))
    facts.service_tier = token(usage.get("service_tier")) or facts.service_tier
    _add_outside_reasoning(facts, count(usage.get("total_tokens")))
    _read_extras(facts, usage)


def _add_outside_reasoning(facts: Facts, total: int | None) -> None:
    """xAI leaves reasoning out of `completion_tokens`; only the total shows it."""
    if not facts.reasoning_tokens or total is None:
        return
    parts = (facts.input_tokens, facts.output_tokens, facts.reasoning_tokens)
    if total == sum(part or 0 for part in parts):
        facts.output_tokens = (facts.output_tokens or 0) + facts.reasoning_tokens


def _read_extras(facts: Facts, usage: Mapping[str, Any]) -> None:
    """Searches as xAI counts them, and cost as OpenRouter (dollars) and xAI (ticks) report it."""
    tools = members(usage.get("server_side_tool_usage_details"))
    if tools:
        facts.web_search_requests = count(tools.get("web_search_calls"))
    ticks = count(usage.get("cost_in_usd_ticks"))
    if ticks is not None:
        facts.reported_cost_usd = Decimal(ticks) / _TICKS_PER_USD
    elif usage.get("cost") is not None:
        facts.reported_cost_usd = dollars(usage["cost"])


def _read_identity(facts: Facts, body: Mapping[str, Any]) -> None:
    facts.response_model = text(body.get("model")) or facts.response_model
    facts.response_id = text(body.get("id")) or facts.response_id
    facts.service_tier = token(body.get("service_tier")) or facts.service_tier
    error = body.get("error")
    if error:
        code = token(members(error).get("code")) or token(members(error).get("type"))
        facts.error_type = code or OTHER_ERROR


def _first_members(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        found = members(value.get(name))
        if found:
            return found
    return {}


def _first_count(value: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        found = count(value.get(name))
        if found is not None:
            return found
    return None


def _items(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


PATHS = (
    (r"/chat/completions$", "chat", ChatReader),
    (r"/responses(?:/compact)?$", "chat", ResponsesReader),
    (r"/embeddings$", "embeddings", ChatReader),
    (r"/images/(?:generations|edits|variations)$", "generate_content", ImagesReader),
    (r"/audio/(?:transcriptions|translations)$", "generate_content", ChatReader),
    (r"/audio/speech$", "generate_content", Reader),
    (r"/completions$", "text_completion", ChatReader),
)
"""Path tail, `gen_ai.operation.name`, reader. Tails, because gateways prefix the paths."""
