"""Turns responses of Anthropic's Messages API, whoever serves it, into facts.

Fields as in the anthropic SDK: `types/usage.py`, `types/message_delta_usage.py`,
`types/beta/beta_usage.py`.
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
    total,
)


class MessagesReader(Reader):
    """Messages, whole or streamed. Of each usage field the last value that is not null counts."""

    TAIL_KEYS = (b"stop_reason", b"usage")
    _SKIPPED = (
        b"event: content_block_",
        b"event: ping",
        b'{"type":"content_block_',
        b'{"type": "content_block_',
        b'data: {"type":"content_block_',
        b'data: {"type": "content_block_',
        b'{"type":"ping"',
        b'{"type": "ping"',
    )

    def __init__(self, facts: Facts | None = None) -> None:
        super().__init__()
        self.facts = facts or self.facts
        self._usage: dict[str, Any] = {}

    def read_headers(self, headers: Mapping[str, str]) -> None:
        cost = headers.get("x-litellm-response-cost")
        if cost is not None:
            self.facts.reported_cost_usd = dollars(cost)

    def skips(self, event: bytes) -> bool:
        return event.startswith(self._SKIPPED)

    def read_event(self, data: bytes) -> None:
        if not data.startswith(b"[DONE]"):
            self.read_message_event(parsed(data))

    def read_message_event(self, event: Mapping[str, Any]) -> None:
        """Read one event of a stream, parsed."""
        kind = event.get("type")
        if kind == "message_start":
            self.read_whole(members(event.get("message")))
        elif kind == "message_delta":
            delta = members(event.get("delta"))
            self._read_reason(delta)
            self._read_usage(event.get("usage"))
            # Why it stopped comes with the last counts: some clients read no further.
            self.is_finished = delta.get("stop_reason") is not None
        elif kind == "message_stop":
            self.is_finished = True
        elif kind == "error" or event.get("error"):
            self._read_error(event.get("error"))

    def read_whole(self, body: Mapping[str, Any]) -> None:
        self.facts.response_model = text(body.get("model")) or self.facts.response_model
        self.facts.response_id = text(body.get("id")) or self.facts.response_id
        self._read_reason(body)
        self._read_usage(body.get("usage"))
        if body.get("error"):
            self._read_error(body["error"])

    def _read_reason(self, message: Mapping[str, Any]) -> None:
        reason = token(message.get("stop_reason"))
        if reason is not None:
            self.facts.finish_reasons[0] = reason

    def _read_error(self, error: object) -> None:
        self.facts.error_type = token(members(error).get("type")) or OTHER_ERROR

    def _read_usage(self, value: object) -> None:
        usage = members(value)
        if not usage:
            return
        self._usage.update({name: field for name, field in usage.items() if field is not None})
        facts = self.facts
        _read_modifiers(facts, self._usage)
        iterations = items(self._usage.get("iterations"))
        if iterations:
            _read_iterations(facts, iterations)
        else:
            _read_counts(facts, [self._usage])


def _read_modifiers(facts: Facts, usage: Mapping[str, Any]) -> None:
    """What changes prices, and what is counted for the whole message only."""
    tools = members(usage.get("server_tool_use"))
    facts.web_search_requests = count(tools.get("web_search_requests"))
    details = members(usage.get("output_tokens_details"))
    facts.reasoning_tokens = count(details.get("thinking_tokens"))
    tier, speed = token(usage.get("service_tier")), token(usage.get("speed"))
    # A fast answer costs more, whatever the tier is.
    facts.service_tier = "fast" if speed == "fast" else tier or facts.service_tier
    facts.inference_geo = token(usage.get("inference_geo"))
    # OpenRouter adds its cost to this format too.
    if usage.get("cost") is not None:
        facts.reported_cost_usd = dollars(usage["cost"])
    if usage.get("is_byok") is True:
        upstream = members(usage.get("cost_details")).get("upstream_inference_cost")
        facts.upstream_cost_usd = dollars(upstream)


def _read_iterations(facts: Facts, iterations: list[dict[str, Any]]) -> None:
    """What is billed is the sum of all iterations, each at its own model's price."""
    by_model: dict[str | None, list[dict[str, Any]]] = {facts.response_model: []}
    for iteration in iterations:
        model = text(iteration.get("model")) or facts.response_model
        by_model.setdefault(model, []).append(iteration)
    _read_counts(facts, by_model.pop(facts.response_model))
    facts.parts = []
    for model, others in by_model.items():
        part = Facts(
            response_model=model,
            response_id=facts.response_id,
            service_tier=facts.service_tier,
            inference_geo=facts.inference_geo,
        )
        _read_counts(part, others)
        facts.parts.append(part)


def _read_counts(facts: Facts, usages: list[dict[str, Any]]) -> None:
    """Sum usages that are billed alike; input as reported leaves out what the cache had to do."""
    facts.cache_read_tokens = _sum(usages, "cache_read_input_tokens")
    facts.cache_write_tokens = _sum(usages, "cache_creation_input_tokens")
    split = [members(usage.get("cache_creation")) for usage in usages]
    facts.cache_write_1h_tokens = _sum(split, "ephemeral_1h_input_tokens")
    if facts.cache_write_tokens is None:
        short = _sum(split, "ephemeral_5m_input_tokens")
        facts.cache_write_tokens = total(short, facts.cache_write_1h_tokens)
    uncached = _sum(usages, "input_tokens")
    if uncached is None:
        facts.input_tokens = None
    else:
        facts.input_tokens = total(uncached, facts.cache_read_tokens, facts.cache_write_tokens)
    facts.output_tokens = _sum(usages, "output_tokens")


def _sum(usages: list[dict[str, Any]], name: str) -> int | None:
    return total(*(count(usage.get(name)) for usage in usages))


HOSTS: Hosts = (
    (r"api\.anthropic\.com", "anthropic"),
    (r"aws-external-anthropic\.[a-z0-9-]+\.api\.aws", "anthropic"),
    (r"claude\.googleapis\.com", "anthropic"),
)

PATHS: Paths = (
    # OpenAI adds a message to a thread by the same tail.
    (r"^(?!.*/threads/).*/messages$", "chat", MessagesReader),
    (
        r"/publishers/anthropic/models/(?!count-tokens)[^/:]+:(?:rawPredict|streamRawPredict)$",
        "chat",
        MessagesReader,
    ),
    (r"/v1/complete$", "text_completion", Reader),
)
