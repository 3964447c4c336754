"""Turns a line of an OpenAI batch output or error file into an answer.

Each is `{id, custom_id, response: {status_code, request_id, body}, error}`; the body is what the
endpoint would have answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from taximeter import attributes as names
from taximeter.providers.base import OTHER_ERROR, count, members, token
from taximeter_processor.importers.answers import (
    Answer,
    Api,
    BadLine,
    NoAnswer,
    batched,
    parsed_line,
)

API: Final = Api("openai", "api.openai.com")
_PATHS: Final = {
    "chat.completion": "/v1/chat/completions",
    "response": "/v1/responses",
    "list": "/v1/embeddings",
    "text_completion": "/v1/completions",
}
"""By `object`: a line does not say which endpoint answered."""
_TAGS: Final = {name.replace(".", "_"): name for name in names.TAGS}


def read(line: bytes) -> Answer | NoAnswer:
    """See `Source.read`."""
    entry = parsed_line(line)
    response = members(entry.get("response"))
    status = count(response.get("status_code"))
    if not response and entry.get("error"):
        return NoAnswer(token(members(entry["error"]).get("code")) or OTHER_ERROR)
    if status is None:
        raise BadLine("has neither a response with a status code nor an error")
    if status >= 400:
        return NoAnswer(str(status))
    body = members(response.get("body"))
    created_s = count(body.get("created"))
    return replace(
        batched(entry, API, _path(body), body),
        created_s=count(body.get("created_at")) if created_s is None else created_s,
        tags=_tags(members(body.get("metadata"))),
    )


def _path(body: Mapping[str, Any]) -> str:
    told = body.get("object")
    path = _PATHS.get(told) if isinstance(told, str) else None
    if path is None:
        raise BadLine(f"holds none of {', '.join(_PATHS)} as the body's object")
    return path


def _tags(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The request's own `taximeter_feature`, … as the API repeats them."""
    found = {name: metadata.get(key) for key, name in _TAGS.items()}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, str) and value and value.isprintable()
    }
