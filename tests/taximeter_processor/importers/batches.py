"""Result lines for tests, as OpenAI's and Anthropic's batch files hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CREATED_S = 1_795_000_000
"""2026-11-18 11:06:40 UTC."""

CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": CREATED_S,
    "model": "gpt-5-mini-2025-08-07",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "a secret"},
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 1312,
        "completion_tokens": 84,
        "total_tokens": 1396,
        "prompt_tokens_details": {"cached_tokens": 1152},
        "completion_tokens_details": {"reasoning_tokens": 64},
    },
    "service_tier": "default",
}
"""At batch prices 160 × $0.125, 1152 × $0.0125 and 84 × $1 a million: $0.0001184."""
CHAT_USD = "0.0001184"

RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": CREATED_S + 10,
    "status": "completed",
    "model": "gpt-5-mini-2025-08-07",
    "usage": {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110},
    "service_tier": "default",
    "metadata": {},
}
EMBEDDINGS: dict[str, Any] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}
COMPLETION: dict[str, Any] = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": CREATED_S + 20,
    "model": "gpt-3.5-turbo-instruct",
    "choices": [{"text": "a secret", "index": 0, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "a secret"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 1000,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 100,
        "service_tier": "batch",
    },
}
"""At batch prices 1000 × $1.5 and 100 × $7.5 a million: $0.00225."""
MESSAGE_USD = "0.00225"


def openai_line(
    body: Any = CHAT, custom_id: str = "request-1", status: int = 200, error: Any = None
) -> bytes:
    """A line of an output file; without a body, of a request that never ran."""
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return _line(
        id=f"batch_req_{custom_id}",
        custom_id=custom_id,
        response=None if body is None else response,
        error=error,
    )


def anthropic_line(
    message: Any = MESSAGE, custom_id: str = "request-1", kind: str = "succeeded"
) -> bytes:
    """A line of results."""
    content = {"message": message} if kind == "succeeded" else {}
    return _line(custom_id=custom_id, result={"type": kind, **content})


def write(path: Path, *lines: bytes) -> Path:
    """A results file."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _line(**members: Any) -> bytes:
    return json.dumps(members).encode()
