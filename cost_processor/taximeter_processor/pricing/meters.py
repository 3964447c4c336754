"""Which unit of the catalogue each billable meter is counted in, and what it is without a cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from taximeter_processor.model import Quantity


class MeterUnit(NamedTuple):
    """One row of the table."""

    usage_key: str
    """The catalogue's name of the unit."""
    uncached: str
    """The meter it would be if nothing were cached: itself, or the plain input."""


OUTPUT: Final = "output"
OUTPUT_REASONING: Final = "output_reasoning"
REQUEST: Final = "request"
WEB_SEARCH: Final = "web_search"
AUDIO_SECOND: Final = "audio_second"

UNITS: Final = {
    "input": MeterUnit("input_tokens", "input"),
    "cache_read": MeterUnit("cache_read_tokens", "input"),
    "cache_write": MeterUnit("cache_write_tokens", "input"),
    "cache_write_1h": MeterUnit("cache_write_1h_tokens", "input"),
    OUTPUT: MeterUnit("output_tokens", OUTPUT),
    OUTPUT_REASONING: MeterUnit("output_reasoning_tokens", OUTPUT_REASONING),
    "input_audio": MeterUnit("input_audio_tokens", "input_audio"),
    "cache_read_audio": MeterUnit("cache_audio_read_tokens", "input_audio"),
    "output_audio": MeterUnit("output_audio_tokens", "output_audio"),
    "input_image": MeterUnit("input_image_tokens", "input_image"),
    "cache_read_image": MeterUnit("cache_image_read_tokens", "input_image"),
    "output_image": MeterUnit("output_image_tokens", "output_image"),
    WEB_SEARCH: MeterUnit("web_searches", WEB_SEARCH),
    REQUEST: MeterUnit("requests", REQUEST),
    "search_unit": MeterUnit("rerank_searches", "search_unit"),
    "page": MeterUnit("input_document_pages", "page"),
    AUDIO_SECOND: MeterUnit("input_audio_seconds", AUDIO_SECOND),
}


def as_used(amounts: Mapping[str, int]) -> tuple[Quantity, ...]:
    """Billed quantities as they were before a price took them apart.

    Reasoning is output again, and the request is no meter that was used: what the next price makes
    of them is its own affair.
    """
    used = dict(amounts)
    used.pop(REQUEST, None)
    reasoning = used.pop(OUTPUT_REASONING, 0)
    if reasoning:
        used[OUTPUT] = used.get(OUTPUT, 0) + reasoning
    return tuple(Quantity(meter, amount) for meter, amount in used.items() if amount)
