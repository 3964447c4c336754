"""Inclusive counts taken apart: no token in two meters, none lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter_processor.model import Quantity, Usage
from taximeter_processor.usage import METERS, meters

SMALL = st.integers(0, 10**6)
INPUT_METERS = {name for name in METERS if name.startswith(("input", "cache"))}


def test_cached_input_is_taken_out_of_input() -> None:
    assert meters(Usage(1312, 84, cache_read_tokens=1152, reasoning_tokens=64)) == (
        Quantity("input", 160),
        Quantity("cache_read", 1152),
        Quantity("output", 84),
    )


def test_hour_long_cache_writes_are_a_meter_of_their_own() -> None:
    usage = Usage(1000, 10, cache_write_tokens=700, cache_write_1h_tokens=200)
    assert dict(meters(usage)) == {
        "input": 300,
        "cache_write": 500,
        "cache_write_1h": 200,
        "output": 10,
    }


def test_cached_audio_is_neither_cached_text_nor_plain_audio() -> None:
    usage = Usage(
        1000, 50, cache_read_tokens=400, input_audio_tokens=300, cache_read_audio_tokens=100
    )
    assert dict(meters(usage)) == {
        "input": 400,
        "cache_read": 300,
        "input_audio": 200,
        "cache_read_audio": 100,
        "output": 50,
    }


def test_absent_and_zero_counts_are_no_meters() -> None:
    assert meters(Usage()) == ()
    assert meters(Usage(0, 0, cache_read_tokens=0)) == ()


@pytest.mark.parametrize(
    "usage",
    [
        Usage(10, 1, cache_read_tokens=11),
        Usage(10, 1, cache_read_tokens=6, cache_write_tokens=5),
        Usage(10, 1, output_audio_tokens=2),
        Usage(10, 1, cache_write_tokens=1, cache_write_1h_tokens=2),
        Usage(10, 1, input_audio_tokens=11),
    ],
)
def test_a_part_larger_than_its_whole_is_refused(usage: Usage) -> None:
    with pytest.raises(ValueError, match="exceed"):
        meters(usage)


@given(st.lists(SMALL, min_size=10, max_size=10))
def test_the_meters_add_up_to_the_inclusive_counts(parts: list[int]) -> None:
    plain, read, write, hour, audio, read_audio, image, read_image, text_out, audio_out = parts
    usage = Usage(
        input_tokens=sum(parts[:8]),
        output_tokens=text_out + audio_out,
        cache_read_tokens=read + read_audio + read_image,
        cache_write_tokens=write + hour,
        cache_write_1h_tokens=hour,
        input_audio_tokens=audio + read_audio,
        cache_read_audio_tokens=read_audio,
        input_image_tokens=image + read_image,
        cache_read_image_tokens=read_image,
        output_audio_tokens=audio_out,
    )
    found = dict(meters(usage))
    assert all(quantity > 0 for quantity in found.values())
    assert sum(q for meter, q in found.items() if meter in INPUT_METERS) == usage.input_tokens
    assert sum(q for meter, q in found.items() if meter not in INPUT_METERS) == usage.output_tokens
    assert found.get("input", 0) == plain
