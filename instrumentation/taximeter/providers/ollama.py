"""Turns responses of Ollama's own API into facts.

Fields as in the ollama SDK: `_types.py`, `BaseGenerateResponse` and `EmbedResponse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taximeter.providers.base import OTHER_ERROR, Hosts, Paths, Reader, count, parsed, text, token


class OllamaReader(Reader):
    """Chat, generate and embed. A prompt served from the cache is not counted: unknown, not 0."""

    TAIL_KEYS = (b"done", b"total_duration", b"prompt_eval_count")

    def skips(self, event: bytes) -> bool:
        return event.rfind(b'"done":false') >= 0

    def read_event(self, data: bytes) -> None:
        event = parsed(data)
        self.read_whole(event)
        self.is_finished = event.get("done") is True

    def read_whole(self, body: Mapping[str, Any]) -> None:
        facts = self.facts
        facts.response_model = text(body.get("model")) or facts.response_model
        reason = token(body.get("done_reason"))
        if reason is not None:
            facts.finish_reasons[0] = reason
        facts.input_tokens = count(body.get("prompt_eval_count"))
        facts.output_tokens = count(body.get("eval_count"))
        if body.get("error"):
            facts.error_type = OTHER_ERROR


HOSTS: Hosts = ((r"ollama\.com", "ollama"),)

PATHS: Paths = (
    (r"/api/chat$", "chat", OllamaReader),
    (r"/api/generate$", "text_completion", OllamaReader),
    (r"/api/(?:embed|embeddings)$", "embeddings", OllamaReader),
)
