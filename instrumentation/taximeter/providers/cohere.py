"""Turns responses of Cohere's API into facts.

Fields as in the cohere SDK: `types/usage.py`, `types/usage_billed_units.py`,
`types/usage_tokens.py`, `types/api_meta.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taximeter.providers.base import (
    OTHER_ERROR,
    Hosts,
    Paths,
    Reader,
    count,
    first_count,
    members,
    parsed,
    text,
    token,
    total,
)


class CohereReader(Reader):
    """Chat, embed and rerank, v1 and v2. `tokens` were processed, `billed_units` are paid."""

    TAIL_KEYS = (b"finish_reason", b"usage", b"meta")
    _LAST = (b"message-end", b"message-start", b"stream-end", b"stream-start")

    def skips(self, event: bytes) -> bool:
        # Escaped in the model's words, the quotes around a type would not be there.
        return not any(b'"%s"' % kind in event for kind in self._LAST)

    def read_event(self, data: bytes) -> None:
        event = parsed(data)
        kind = event.get("type") or event.get("event_type")
        self._read_id(event)
        if kind == "message-end":
            self.read_whole(members(event.get("delta")))
            self.is_finished = True
        elif kind == "stream-end":
            self.read_whole(members(event.get("response")))
            self._read_reason(event)
            self.is_finished = True

    def read_whole(self, body: Mapping[str, Any]) -> None:
        self._read_id(body)
        self._read_reason(body)
        usage = members(body.get("usage")) or members(body.get("meta"))
        if usage:
            self._read_usage(usage)
        if body.get("error"):
            self.facts.error_type = OTHER_ERROR

    def _read_id(self, body: Mapping[str, Any]) -> None:
        given = text(body.get("id")) or text(body.get("generation_id"))
        self.facts.response_id = given or self.facts.response_id

    def _read_reason(self, body: Mapping[str, Any]) -> None:
        reason = token(body.get("finish_reason"))
        if reason is not None:
            self.facts.finish_reasons[0] = reason

    def _read_usage(self, usage: Mapping[str, Any]) -> None:
        facts = self.facts
        tokens, billed = members(usage.get("tokens")), members(usage.get("billed_units"))
        billed_input = total(count(billed.get("input_tokens")), count(billed.get("image_tokens")))
        billed_output = count(billed.get("output_tokens"))
        facts.input_tokens = first_count(tokens, "input_tokens")
        facts.output_tokens = first_count(tokens, "output_tokens")
        if tokens:
            facts.billed_input_tokens, facts.billed_output_tokens = billed_input, billed_output
        else:
            facts.input_tokens, facts.output_tokens = billed_input, billed_output
            facts.image_input_tokens = count(billed.get("image_tokens"))
        facts.cache_read_tokens = count(usage.get("cached_tokens"))
        facts.search_units = count(billed.get("search_units"))


HOSTS: Hosts = ((r"api\.cohere\.(?:com|ai)", "cohere"),)

PATHS: Paths = (
    (r"/v[12]/chat$", "chat", CohereReader),
    (r"/v1/generate$", "text_completion", CohereReader),
    (r"/v[12]/embed$", "embeddings", CohereReader),
    # The conventions have no operation for it that is billed; what it costs must not be lost.
    (r"/v[12]/(?:rerank|classify)$", "generate_content", CohereReader),
)
