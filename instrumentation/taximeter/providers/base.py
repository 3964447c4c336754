"""What a provider reader answers about one response, and the few checks every reader shares.

A reader is pure: payloads in, `Facts` out. It reads named paths only, never searches for a key,
because what a model writes may contain one; and it keeps no text but names, ids and codes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_BUFFERED_BYTES = 8 * 1024 * 1024
"""The most that is held of one response; what would need more stays unread."""
OTHER_ERROR = "_OTHER"
"""The conventions' `error.type` of an error without a code."""

_TOKEN = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_MAX_TEXT = 256
_MAX_COUNT = 2**53
"""Above this no count is real, and above 2**63 a whole OTLP batch could not be encoded."""


class TooLarge(ValueError):
    """More than MAX_BUFFERED_BYTES would have to be held to read this response."""


@dataclass(slots=True)
class Facts:
    """What one response says about itself. None = it does not say; 0 = it says zero.

    `input_tokens` and `output_tokens` are inclusive: cached input and reasoning are inside,
    whatever the provider's own habit. The other token counts are parts of these two.
    """

    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: dict[int, str] = field(default_factory=dict)
    """By choice index, as the provider spells them."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    audio_cache_read_tokens: int | None = None
    image_input_tokens: int | None = None
    image_output_tokens: int | None = None
    image_cache_read_tokens: int | None = None
    web_search_requests: int | None = None
    service_tier: str | None = None
    """The tier served, as the provider spells it."""
    reported_cost_usd: Decimal | None = None
    error_type: str | None = None
    """The most specific stable code of an error the provider reported."""
    parts: list[Facts] = field(default_factory=list)
    """Usage billed at other models' prices, not inside the counts above."""

    @property
    def is_usage_known(self) -> bool:
        return self.input_tokens is not None or self.output_tokens is not None


class Reader:
    """Reads one response of an API nobody has written a reader for: it learns nothing.

    Subclasses override what their format needs; each payload is bytes, already decoded and whole.
    """

    def __init__(self) -> None:
        self.facts = Facts()
        self.is_finished = False
        """The stream said that nothing follows."""

    def read_headers(self, headers: Mapping[str, str]) -> None:
        """Read billing facts that this API puts into response headers."""

    def read_body(self, body: bytes) -> None:
        """Read a whole response that is not a stream."""

    def read_event(self, data: bytes) -> None:
        """Read the data of one event of a stream."""

    def skips(self, event: bytes) -> bool:
        """True if this event cannot carry a fact: asked for every event, so it must be cheap."""
        return False


def check_size(buffered_bytes: int) -> None:
    """Raise TooLarge if this is more than may be held of one response."""
    if buffered_bytes > MAX_BUFFERED_BYTES:
        raise TooLarge(f"{buffered_bytes} bytes")


def parsed(payload: bytes) -> dict[str, Any]:
    """The JSON object in `payload`, else an empty one. Money is read as decimals."""
    value = json.loads(payload, parse_float=Decimal if b'"cost' in payload else None)
    return value if isinstance(value, dict) else {}


def parsed_tail(payload: bytes, key: bytes) -> dict[str, Any] | None:
    """The members of the outermost JSON object from its last `"key"` on, or None.

    A large payload ends, or begins, with what is wanted. What follows a member of the outermost
    object is, after `{`, an object by itself; after any inner member it is not valid JSON.
    """
    start = payload.rfind(b'"%s"' % key)
    if start < 0 or payload[start - 1 : start] == b"\\":
        return None
    try:
        return parsed(b"{" + payload[start:])
    except ValueError:
        return None


def members(value: object) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def count(value: object) -> int | None:
    """A token count: a non-negative whole number, else None."""
    if isinstance(value, (float, Decimal)):
        number = float(value)
        value = int(number) if number.is_integer() else None
    if type(value) is int and 0 <= value < _MAX_COUNT:
        return value
    return None


def text(value: object) -> str | None:
    """A model name or an id: printable, cut to 256 characters, safe to encode; else None."""
    if not isinstance(value, str) or not value or not value[:_MAX_TEXT].isprintable():
        return None
    return value[:_MAX_TEXT]


def token(value: object) -> str | None:
    """A code such as a finish reason or an error type: 1 to 64 word characters, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def dollars(value: object) -> Decimal | None:
    """An amount of money: a finite, non-negative decimal, else None. Floats are refused."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
