"""Turns responses of Mistral's API, where they are not OpenAI's chat format, into facts.

Fields as in the mistralai SDK: `client/models/conversationusageinfo.py`,
`client/models/ocrusageinfo.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taximeter.providers.base import Hosts, Paths, Reader, count, members, parsed, text
from taximeter.providers.openai import ChatReader, TranscriptionReader, read_identity
from taximeter.providers.openai_usage import read_usage


class ConversationsReader(Reader):
    """Conversations: what connectors read is input that `prompt_tokens` leaves out."""

    def skips(self, event: bytes) -> bool:
        return event.rfind(b'"usage"') < 0 and event.rfind(b"conversation.response.") < 0

    def read_event(self, data: bytes) -> None:
        event = parsed(data)
        self.read_whole(event)
        self.is_finished = event.get("type") == "conversation.response.done"
        if event.get("type") == "conversation.response.error":
            self.read_failure(str(event.get("code")))

    def read_whole(self, body: Mapping[str, Any]) -> None:
        read_identity(self.facts, body)
        conversation = text(body.get("conversation_id"))
        self.facts.response_id = self.facts.response_id or conversation
        usage = members(body.get("usage"))
        if not usage:
            return
        read_usage(self.facts, usage)
        connectors = count(usage.get("connector_tokens"))
        if connectors and self.facts.input_tokens is not None:
            self.facts.input_tokens += connectors


class OcrReader(Reader):
    """OCR is billed by the page."""

    TAIL_KEYS = (b"model", b"usage_info")

    def read_whole(self, body: Mapping[str, Any]) -> None:
        read_identity(self.facts, body)
        self.facts.pages = count(members(body.get("usage_info")).get("pages_processed"))


HOSTS: Hosts = ((r"api\.mistral\.ai", "mistral_ai"),)

PATHS: Paths = (
    (r"/v1/conversations(?:/[^/]+)?(?:/restart)?$", "chat", ConversationsReader),
    (r"/v1/ocr$", "generate_content", OcrReader),
    (r"/fim/completions$", "text_completion", ChatReader),
    (r"/audio/transcriptions$", "generate_content", TranscriptionReader),
    (r"/publishers/mistralai/models/[^/:]+:(?:rawPredict|streamRawPredict)$", "chat", ChatReader),
)
