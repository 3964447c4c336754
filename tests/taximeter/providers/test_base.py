"""The checks that all readers share."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.providers.base import Reader, dollars, parsed_tail, text, token

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model", "x", '"model', "a\\"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["model", "messages", "n"]), json_values))
def test_a_tail_never_takes_an_inner_member_for_an_outer_one(body: dict[str, object]) -> None:
    tail = parsed_tail(json.dumps(body).encode(), b"model")
    assert tail is None or tail["model"] == body["model"]


def test_a_tail_is_found_without_reading_what_comes_before() -> None:
    body = b'{"messages": [not even JSON], "model": "m", "n": 1}'
    assert parsed_tail(body, b"model") == {"model": "m", "n": 1}


@pytest.mark.parametrize("bad", ["", "a\nb", "\ud800", 5, None, ["x"]])
def test_a_name_is_printable_text(bad: object) -> None:
    assert text(bad) is None


def test_a_long_name_is_cut() -> None:
    assert text("m" * 1000) == "m" * 256


@pytest.mark.parametrize("bad", ["", "two words", "x" * 65, True, None, 1.5, "\n"])
def test_a_code_is_one_short_word(bad: object) -> None:
    assert token(bad) is None


@pytest.mark.parametrize("bad", ["-1", "NaN", "Infinity", "free", 0.5, True, None])
def test_money_is_a_finite_amount_and_no_float(bad: object) -> None:
    assert dollars(bad) is None


def test_a_reader_of_nothing_learns_nothing() -> None:
    reader = Reader()
    reader.read_headers({"x": "y"})
    reader.read_body(b"{}")
    reader.read_event(b"{}")
    assert not reader.facts.is_usage_known
