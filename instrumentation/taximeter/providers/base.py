"""What a provider reader answers about one response, and the few checks every reader shares.

A reader is pure: payloads in, `Facts` out. It reads named paths only, never searches for a key,
because what a model writes may contain one; and it keeps no text but names, ids and codes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Protocol

MAX_BUFFERED_BYTES = 8 * 1024 * 1024
"""The most that is held of one response; what would need more stays unread."""
OTHER_ERROR = "_OTHER"
"""The conventions' `error.type` of an error without a code."""

_TOKEN = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_MAX_TEXT = 256
_MAX_COUNT = 2**53
"""Above this no count is real, and above 2**63 a whole OTLP batch could not be encoded."""
_SMALL_BYTES = 64 * 1024
_MAX_PARSED_BYTES = 1 << 20
_HEAD_BYTES = 4096
_HEAD = re.compile(
    rb'\s*\{(?:\s*"[^"\\]*"\s*:\s*(?:"[^"\\]*(?:\\.[^"\\]*)*"|[\w+.\-]+)\s*,)+', re.DOTALL
)
"""The members before the first array or object."""


class TooLarge(ValueError):
    """Too many bytes would have to be held, or parsed, to read this response."""


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
    billed_input_tokens: int | None = None
    billed_output_tokens: int | None = None
    """What is paid where it is not what was processed: these are priced, those are shown."""
    web_search_requests: int | None = None
    search_units: int | None = None
    pages: int | None = None
    audio_seconds: int | None = None
    """Begun seconds of audio, where those are billed."""
    service_tier: str | None = None
    """The tier served, as the provider spells it."""
    inference_geo: str | None = None
    """The region the provider charges for, where it does."""
    reported_cost_usd: Decimal | None = None
    """What the provider says it charges."""
    upstream_cost_usd: Decimal | None = None
    """What another bills on top, with the customer's own key there."""
    error_type: str | None = None
    """The most specific stable code of an error the provider reported."""
    parts: list[Facts] = field(default_factory=list)
    """Usage billed at other models' prices, not inside the counts above."""

    @property
    def is_usage_known(self) -> bool:
        billable = (
            self.input_tokens,
            self.output_tokens,
            self.search_units,
            self.pages,
            self.audio_seconds,
        )
        return any(amount is not None for amount in billable)


class Sink(Protocol):
    """Where the events of a framed response go."""

    def skips(self, event: bytes, /) -> bool: ...

    def read_event(self, data: bytes, /) -> None: ...

    def unwrap(self, name: str, payload: bytes, /) -> bytes | None: ...

    def read_failure(self, code: str, /) -> None: ...


class Reader:
    """Reads one response of an API nobody has written a reader for: it learns nothing.

    Subclasses override what their format needs; each payload is bytes, already decoded and whole.
    """

    TAIL_KEYS: ClassVar[tuple[bytes, ...]] = (b"usage",)
    """Members that end a long body, the longest such end first; the last holds the usage."""
    STREAMS_ARRAY: ClassVar[bool] = False
    """JSON is a stream here: one array, element by element."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.is_finished = False
        """The stream said that nothing follows."""

    def read_headers(self, headers: Mapping[str, str]) -> None:
        """Read billing facts that this API puts into response headers."""

    def read_body(self, body: bytes) -> None:
        """Read a whole response that is not a stream. Raises ValueError if it cannot be."""
        self.read_whole(document(body, self.TAIL_KEYS))

    def read_whole(self, body: Mapping[str, Any]) -> None:
        """Read a whole response; of a long one, only its ends may be there."""

    def skips(self, event: bytes) -> bool:
        """True if this event is not to be read now: asked for every event, so it must be cheap.

        A reader may keep the event, for `finish` to read should it turn out to be the last.
        """
        return False

    def read_event(self, data: bytes) -> None:
        """Read the data of one event of a stream."""

    def unwrap(self, name: str, payload: bytes) -> bytes | None:
        """The event in a named frame, or None if such a frame cannot carry a fact."""
        return payload

    def read_failure(self, code: str) -> None:
        """The stream's framing says that it failed."""
        self.facts.error_type = token(code) or OTHER_ERROR

    def finish(self) -> None:
        """The stream ended, or broke off."""


Hosts = tuple[tuple[str, str], ...]
"""Pattern of a host's whole name, `gen_ai.provider.name`."""
Paths = tuple[tuple[str, str, type[Reader]], ...]
"""Pattern found in a path, `gen_ai.operation.name`, reader."""


def check_size(buffered_bytes: int) -> None:
    """Raise TooLarge if this is more than may be held of one response."""
    if buffered_bytes > MAX_BUFFERED_BYTES:
        raise TooLarge(f"{buffered_bytes} bytes")


def parsed(payload: bytes) -> dict[str, Any]:
    """The JSON object in `payload`, else an empty one. Money is read as decimals."""
    text = str(payload, "utf-8")
    value = json.loads(text, parse_float=Decimal) if '"cost' in text else json.loads(text)
    return value if isinstance(value, dict) else {}


def parsed_tail(payload: bytes, key: bytes) -> dict[str, Any] | None:
    """The members of the outermost JSON object from its last `"key"` on, or None.

    A large payload ends, or begins, with what is wanted. What follows a member of the outermost
    object is, after `{`, an object by itself; after any inner member it is not valid JSON.
    """
    start = payload.rfind(b'"%s"' % key)
    if start < 0 or len(payload) - start > _MAX_PARSED_BYTES:
        return None
    if payload[start - 1 : start] == b"\\":
        return None
    try:
        return parsed(b"{" + payload[start:])
    except ValueError:
        return None


def document(payload: bytes, tail_keys: tuple[bytes, ...]) -> dict[str, Any]:
    """The JSON object in `payload`; of a long one the ends, if usage is there.

    What makes answers long are vectors, pictures and sound: they stand between what is wanted, and
    parsing them would cost milliseconds. Raises TooLarge if there is no other way but too much.
    """
    if len(payload) <= _SMALL_BYTES:
        return parsed(payload)
    for key in tail_keys:
        tail = parsed_tail(payload, key)
        if tail is not None and tail_keys[-1].decode() in tail:
            return {**_parsed_head(payload), **tail}
    if len(payload) > _MAX_PARSED_BYTES:
        raise TooLarge(f"{len(payload)} bytes without a readable end")
    return parsed(payload)


def _parsed_head(payload: bytes) -> dict[str, Any]:
    head = _HEAD.match(payload, 0, _HEAD_BYTES)
    if head is None:
        return {}
    try:
        return parsed(head.group()[:-1] + b"}")
    except ValueError:
        return {}


def members(value: object) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[dict[str, Any]]:
    """The JSON objects in a JSON array, else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def first_count(value: Mapping[str, Any], *names: str) -> int | None:
    """The first of these members that is a count."""
    for name in names:
        found = count(value.get(name))
        if found is not None:
            return found
    return None


def total(*counts: int | None) -> int | None:
    """The sum of what is known; None if nothing is."""
    known = [number for number in counts if number is not None]
    return sum(known) if known else None


def count(value: object) -> int | None:
    """A token count: a non-negative whole number, else None."""
    if type(value) is int:
        return value if 0 <= value < _MAX_COUNT else None
    if isinstance(value, (float, Decimal)):
        number = float(value)
        return count(int(number)) if number.is_integer() else None
    return None


def whole_seconds(value: object) -> int | None:
    """A duration in begun seconds, else None."""
    if isinstance(value, (float, Decimal)) and 0 <= value < _MAX_COUNT:
        return math.ceil(value)
    return count(value)


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
