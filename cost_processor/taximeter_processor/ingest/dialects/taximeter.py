"""Taximeter's own spans: the conventions to the letter, so that every count has one exact name."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import MOST_COUNT, Reading, count, text_of
from taximeter_processor.model import AttributeValue, NotACall, Span, Usage

SCOPE: Final = names.SCOPE_NAME
DIALECT: Final = "taximeter"

_COUNTS: Final = {
    "input_tokens": names.INPUT_TOKENS,
    "output_tokens": names.OUTPUT_TOKENS,
    "cache_read_tokens": names.CACHE_READ_INPUT_TOKENS,
    "cache_write_tokens": names.CACHE_CREATION_INPUT_TOKENS,
    "cache_write_1h_tokens": names.CACHE_WRITE_1H_INPUT_TOKENS,
    "reasoning_tokens": names.REASONING_OUTPUT_TOKENS,
    "input_audio_tokens": names.AUDIO_INPUT_TOKENS,
    "output_audio_tokens": names.AUDIO_OUTPUT_TOKENS,
    "input_image_tokens": names.IMAGE_INPUT_TOKENS,
    "output_image_tokens": names.IMAGE_OUTPUT_TOKENS,
    "cache_read_audio_tokens": names.AUDIO_CACHE_READ_INPUT_TOKENS,
    "cache_read_image_tokens": names.IMAGE_CACHE_READ_INPUT_TOKENS,
    "web_search_requests": names.WEB_SEARCH_REQUESTS,
    "billed_input_tokens": names.BILLED_INPUT_TOKENS,
    "billed_output_tokens": names.BILLED_OUTPUT_TOKENS,
    "search_units": names.SEARCH_UNITS,
    "pages": names.PAGES,
    "audio_seconds": names.AUDIO_SECONDS,
}
_KEYS: Final = tuple(_COUNTS[field] for field in Usage._fields)


def attributes_of(usage: Usage) -> dict[str, AttributeValue]:
    """The attributes in which a span of ours tells these counts."""
    counts = zip(_KEYS, usage, strict=True)
    return {key: value for key, value in counts if value is not None}


def read(span: Span) -> Reading | NotACall:
    """A span without one of our operations is read like anybody's, whatever its scope says."""
    get = span.attributes.get
    operation = otel.OPERATIONS.get(text_of(get(names.OPERATION_NAME)))
    if operation is None:
        return otel.read(span)
    counts = [get(key) for key in _KEYS]
    for index, value in enumerate(counts):
        if value is not None and (type(value) is not int or not 0 <= value <= MOST_COUNT):
            counts[index] = count(value, _KEYS[index])
    return Reading(
        DIALECT,
        operation,
        text_of(get(names.PROVIDER_NAME)),
        text_of(get(names.REQUEST_MODEL)),
        text_of(get(names.RESPONSE_MODEL)),
        Usage._make(counts),
        False,
        _reported_cost(get(names.REPORTED_COST_USD), get(names.UPSTREAM_COST_USD)),
    )


def _reported_cost(
    reported: AttributeValue | None, upstream: AttributeValue | None
) -> AttributeValue | None:
    """A gateway's fee, and with the customer's own key what its provider charges on top."""
    if upstream is None:
        return reported
    try:
        return str(Decimal(str(reported or 0)) + Decimal(str(upstream)))
    except InvalidOperation:
        return reported
