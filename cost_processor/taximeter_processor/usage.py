"""The one table of billable meters, and inclusive usage taken apart into them.

`Usage` counts overlap (cached input is inside input); meters never do, so that each token is priced
once: `input + cache_read + … = input_tokens` and `output + … = output_tokens`.
"""

from __future__ import annotations

from typing import Final

from taximeter_processor.model import Quantity, Usage

METERS: Final = {
    "input": "input tokens that were neither cached nor of another modality",
    "cache_read": "input tokens read from a prompt cache",
    "cache_write": "input tokens written to a prompt cache (5 minutes)",
    "cache_write_1h": "input tokens written to a prompt cache for an hour",
    "output": "output tokens, reasoning inside unless the model prices it apart",
    "output_reasoning": "reasoning tokens of models that price them apart",
    "input_audio": "audio input tokens that were not cached",
    "cache_read_audio": "audio input tokens read from a prompt cache",
    "output_audio": "audio output tokens",
    "input_image": "image input tokens that were not cached",
    "cache_read_image": "image input tokens read from a prompt cache",
    "output_image": "image output tokens",
    "web_search": "billable web searches",
    "search_unit": "searches of a reranker",
    "page": "pages read by OCR",
    "audio_second": "begun seconds of audio, of models priced by time",
    "request": "calls with a fee of their own",
}
_NO_MODALITY: Final = (None,) * 12


def meters(usage: Usage) -> tuple[Quantity, ...]:
    """Disjoint quantities in the table's order, those of zero left out.

    Raises `ValueError` naming both numbers when a part exceeds its whole.
    """
    if is_plain_text(usage):
        inputs, outputs, read, written = usage[:4]
        return _plain(inputs or 0, outputs or 0, read or 0, written or 0)
    return _with_modalities(usage)


def is_plain_text(usage: Usage) -> bool:
    """No other modality, unit or cache than the usual ones."""
    return usage[6:] == _NO_MODALITY and not usage.cache_write_1h_tokens


def _plain(inputs: int, outputs: int, read: int, written: int) -> tuple[Quantity, ...]:
    """The usual call: text, at most a prompt cache."""
    uncached = inputs - read - written
    if uncached < 0:
        raise ValueError(f"cached tokens ({read + written}) exceed input tokens ({inputs})")
    found = []
    if uncached:
        found.append(Quantity("input", uncached))
    if read:
        found.append(Quantity("cache_read", read))
    if written:
        found.append(Quantity("cache_write", written))
    if outputs:
        found.append(Quantity("output", outputs))
    return tuple(found)


def _with_modalities(usage: Usage) -> tuple[Quantity, ...]:
    if usage.billed_input_tokens is not None or usage.billed_output_tokens is not None:
        usage = _as_billed(usage)
    counts = [value or 0 for value in usage]
    inputs, outputs, read, written, written_1h, _, *modalities = counts
    in_audio, out_audio, in_image, out_image, read_audio, read_image, searches = modalities[:7]
    *_, search_units, pages, seconds = modalities
    parts = {
        "input": inputs - read - written - (in_audio - read_audio) - (in_image - read_image),
        "cache_read": read - read_audio - read_image,
        "cache_write": written - written_1h,
        "cache_write_1h": written_1h,
        "output": outputs - out_audio - out_image,
        "input_audio": in_audio - read_audio,
        "cache_read_audio": read_audio,
        "output_audio": out_audio,
        "input_image": in_image - read_image,
        "cache_read_image": read_image,
        "output_image": out_image,
        "web_search": searches,
        "search_unit": search_units,
        "page": pages,
        "audio_second": seconds,
    }
    for meter, quantity in parts.items():
        if quantity < 0:
            raise ValueError(f"the parts of {meter} exceed the whole by {-quantity}: {usage}")
    return tuple(Quantity(meter, quantity) for meter, quantity in parts.items() if quantity)


def _as_billed(usage: Usage) -> Usage:
    """Usage whose tokens are those the provider bills; they have no parts."""
    return Usage(
        input_tokens=usage.billed_input_tokens,
        output_tokens=usage.billed_output_tokens,
        web_search_requests=usage.web_search_requests,
        search_units=usage.search_units,
        pages=usage.pages,
        audio_seconds=usage.audio_seconds,
    )
