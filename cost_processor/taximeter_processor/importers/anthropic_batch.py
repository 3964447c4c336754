"""Turns a line of an Anthropic message batch's results into an answer.

Each is `{custom_id, result: {type, message | error}}`. A message does not say when it was made.
"""

from __future__ import annotations

from typing import Final

from taximeter.providers.base import members
from taximeter_processor.importers.answers import (
    Answer,
    Api,
    BadLine,
    NoAnswer,
    batched,
    parsed_line,
)

API: Final = Api("anthropic", "api.anthropic.com")
_PATH: Final = "/v1/messages"
_UNANSWERED: Final = ("errored", "canceled", "expired")


def read(line: bytes) -> Answer | NoAnswer:
    """See `Source.read`."""
    entry = parsed_line(line)
    result = members(entry.get("result"))
    kind = result.get("type")
    if kind in _UNANSWERED:
        return NoAnswer(kind)
    message = members(result.get("message"))
    if kind != "succeeded" or not message:
        raise BadLine(f"has no result of type succeeded, {', '.join(_UNANSWERED)}")
    return batched(entry, API, _PATH, message)
