"""What a line of an import says, in one form for every source: an answer, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from taximeter import providers
from taximeter.providers.base import Facts, parsed

BATCH_TIER: Final = "batch"


class BadLine(ValueError):
    """A line that cannot be understood; the message quotes none of its content."""


class Api(NamedTuple):
    """Who answered."""

    provider: str
    """A `gen_ai.provider.name`."""
    server_address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One call that was made and answered."""

    api: Api
    operation: str
    facts: Facts
    custom_id: str
    """The user's own name for the request."""
    created_s: int | None = None
    """When the provider answered, if it says so."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """By span attribute name."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A request that the provider did not answer, and so does not bill."""

    reason: str


def parsed_line(line: bytes) -> dict[str, Any]:
    """The JSON object of a line. Raises `BadLine`."""
    try:
        entry = parsed(line)
    except (ValueError, RecursionError) as error:
        raise BadLine("is no JSON") from error
    if not entry:
        raise BadLine("is no JSON object")
    return entry


def batched(entry: Mapping[str, Any], api: Api, path: str, body: Mapping[str, Any]) -> Answer:
    """The answer in `body`, as the reader of this API path reads it, at the batch tier."""
    route = providers.route(api.provider, path)
    if route is None:
        raise BadLine(f"holds an answer of {path}, which is not read")
    reader = route.reader()
    try:
        reader.read_whole(body)
    except Exception as error:  # a reader is made for real answers, and guarded in an application
        raise BadLine(f"holds an answer that cannot be read: {type(error).__name__}") from error
    facts = reader.facts
    for part in (facts, *facts.parts):
        # Bodies say `default`, or nothing: that it was a batch is known from the file.
        part.service_tier = BATCH_TIER
    custom_id = entry.get("custom_id")
    return Answer(api, route.operation, facts, custom_id if isinstance(custom_id, str) else "")
