"""Turns an `Answer` into the JSON bodies and server-sent events of the OpenAI API."""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Iterator
from typing import Any, Final

from taximeter_processor.demo.answers import Answer

JsonObject = dict[str, Any]

DIMENSIONS: Final = 8
_PIECE_CHARACTERS: Final = 120
_ERRORS: Final = {
    429: ("Rate limit reached; try again.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error.", "server_error", None),
}


def chat(answer: Answer) -> JsonObject:
    """A `chat.completion`."""
    message = {"role": "assistant", "content": answer.text, "refusal": None}
    return {
        "id": answer.response_id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _chat_usage(answer),
        "service_tier": "default",
    }


def chat_events(answer: Answer, *, include_usage: bool) -> Iterator[str]:
    """A streamed completion; as OpenAI does, usage comes only when it was asked for."""
    common = {
        "id": answer.response_id,
        "object": "chat.completion.chunk",
        "created": answer.created,
        "model": answer.model,
        "service_tier": "default",
    }
    usage: JsonObject = {"usage": None} if include_usage else {}
    deltas: list[JsonObject] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in _pieces(answer.text)]
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield _data({**common, "choices": [choice], **usage})
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield _data({**common, "choices": [last], **usage})
    if include_usage:
        yield _data({**common, "choices": [], "usage": _chat_usage(answer)})
    yield "data: [DONE]\n\n"


def response(answer: Answer) -> JsonObject:
    """A finished `response` of the Responses API."""
    return {
        **_response_head(answer, "completed"),
        "output": [_message(answer)],
        "usage": {
            "input_tokens": answer.input_tokens,
            "input_tokens_details": {"cached_tokens": answer.cached_tokens},
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
            "total_tokens": answer.input_tokens + answer.output_tokens,
        },
    }


def response_events(answer: Answer) -> Iterator[str]:
    """A streamed response: created, text, completed with the usage."""
    started = {**_response_head(answer, "in_progress"), "output": [], "usage": None}
    place = {"item_id": f"msg_{answer.response_id}", "output_index": 0, "content_index": 0}
    events: list[JsonObject] = [{"type": "response.created", "response": started}]
    events += [
        {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        for piece in _pieces(answer.text)
    ]
    events.append({"type": "response.completed", "response": response(answer)})
    for number, event in enumerate(events):
        yield f"event: {event['type']}\n" + _data({**event, "sequence_number": number})


def embeddings(answer: Answer, count: int, encoding_format: str) -> JsonObject:
    """One small vector for each of `count` texts, as numbers or in base64."""
    vector = [round((index + 1) / 100, 4) for index in range(DIMENSIONS)]
    shown: object = vector
    if encoding_format == "base64":
        shown = base64.b64encode(array("f", vector).tobytes()).decode()
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": i, "embedding": shown} for i in range(count)],
        "model": answer.model,
        "usage": {"prompt_tokens": answer.input_tokens, "total_tokens": answer.input_tokens},
    }


def error(status: int) -> JsonObject:
    """The body of a refusal (429) or a fault (500)."""
    message, kind, code = _ERRORS[status]
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _chat_usage(answer: Answer) -> JsonObject:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _response_head(answer: Answer, status: str) -> JsonObject:
    return {
        "id": answer.response_id,
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": answer.model,
        "parallel_tool_calls": True,
        "service_tier": "default",
        "tool_choice": "auto",
        "tools": [],
    }


def _message(answer: Answer) -> JsonObject:
    return {
        "id": f"msg_{answer.response_id}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": answer.text, "annotations": []}],
    }


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE_CHARACTERS):
        yield text[start : start + _PIECE_CHARACTERS]


def _data(event: JsonObject) -> str:
    return f"data: {json.dumps(event, separators=(',', ':'))}\n\n"
