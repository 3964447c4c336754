"""The counts a span carried, under the names its emitter gave them: numbers only, never content."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from taximeter_processor.ingest.dialects.base import (
    IGNORED_USAGE_KEYS,
    USAGE_KEYS,
    inner,
    numbers_in,
)
from taximeter_processor.model import AttributeValue

# JSON attributes that hold counts, and the part of each that holds nothing else.
_JSON: Final[dict[str, tuple[str, ...]]] = {
    "langfuse.observation.usage_details": (),
    "langfuse.observation.cost_details": (),
    "gen_ai.usage.input_token_details": (),
    "gen_ai.usage.output_token_details": (),
    "gen_ai.usage.raw": (),
    "ai.response.providerMetadata": (),
    "genkit:output": ("usage",),
    "gcp.vertex.agent.llm_response": ("usage_metadata",),
}
_PLAIN: Final = USAGE_KEYS | IGNORED_USAGE_KEYS
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,20}(\.[0-9]{0,20})?")
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MOST_COUNTS: Final = 40
_MOST_DEPTH: Final = 5


def raw_usage(
    attributes: Mapping[str, AttributeValue], more: frozenset[str] = frozenset()
) -> dict[str, AttributeValue]:
    """Attribute (or `attribute#path` inside a JSON one) to the number that stood there.

    `more` are attributes to look at that no dialect knows.
    """
    found: dict[str, AttributeValue] = {}
    for key, value in attributes.items():
        if (key in _PLAIN or key in more) and (type(value) is int or _is_number(value)):
            found[key] = value
    if not _JSON.keys().isdisjoint(attributes):
        for key in attributes.keys() & _JSON.keys():
            within = inner(numbers_in(attributes[key]), _JSON[key])
            for path, number in _leaves(within, 0):
                found["#".join((key, ".".join((*_JSON[key], *path))))] = number
    return dict(sorted(found.items())[:_MOST_COUNTS])


def _leaves(value: Any, depth: int) -> Iterator[tuple[tuple[str, ...], AttributeValue]]:
    """The numbers in nested mappings, with their paths."""
    if not isinstance(value, Mapping) or depth > _MOST_DEPTH:
        return
    for name, member in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            continue
        if _is_number(member):
            yield (name,), member
        for path, number in _leaves(member, depth + 1):
            yield (name, *path), number


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return bool(_NUMBER.fullmatch(value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)
