"""Mutations of real bodies: each is read or refused, nothing else, and the reader is unharmed.

`TAXIMETER_FUZZ_EXAMPLES=100000` makes a long run of it.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.costing import book
from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.body import decompress
from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.otlp import JSON, PROTOBUF, Decoder
from taximeter_processor.model import Call
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.settings import Settings
from taximeter_processor.tagging import TagRules
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span, proto_span, protobuf

EXAMPLES: Final = int(os.environ.get("TAXIMETER_FUZZ_EXAMPLES", "400"))
FUZZ: Final = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
DATA: Final = Path(__file__).parents[2] / "data"


def _vectors() -> list[dict[str, Any]]:
    """Attributes as real libraries write them."""
    found: list[dict[str, Any]] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            attributes = value.get("attributes")
            if isinstance(attributes, dict):
                found.append(attributes)
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(json.loads((DATA / "genai-attributes-vectors.json").read_text()))
    return found


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """What OTLP can carry of them."""
    return {
        key: value if isinstance(value, (str, int, float, bool)) else json.dumps(value)
        for key, value in attributes.items()
    }


ATTRIBUTES: Final = [CHAT, *map(_plain, _vectors())]
BODIES: Final = [
    *[(protobuf(proto_span(n + 1, a), proto_span(n + 1001)), PROTOBUF)
      for n, a in enumerate(ATTRIBUTES)],
    *[(json_body(json_span(n + 1, a), json_span(n + 1001)), JSON)
      for n, a in enumerate(ATTRIBUTES)],
]  # fmt: skip
PRICES: Final = PriceBook.of(Settings())
DECODER: Final = Decoder()
READER: Final = CallReader()
RULES: Final = TagRules(Settings().tags)
INTERESTING: Final = st.sampled_from(
    [
        *(b"", b"\x00", b"\xff", b"\x80" * 9, b"\x0a\x00", b"\x12\xff\x7f"),
        *(b'"', b"{", b"[", b"}", b",", b"null", b"-1", b"1e999", b"NaN", b"\\ud800", b"9" * 30),
        *(b"\xed\xa0\x80", b"\xf0\x9f\x9a\x95"),
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, str]:
    """A real body with up to a few bytes changed, cut out, repeated or put in."""
    body, content_type = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        end = min(len(body), at + draw(st.integers(0, 12)))
        put = draw(
            st.one_of(
                INTERESTING,
                st.binary(min_size=1, max_size=4),
                st.just(body[at:end] * draw(st.integers(2, 5))),
            )
        )
        body = body[:at] + put + body[end:]
    return body, content_type


def take(body: bytes, content_type: str) -> list[Call]:
    """What the pipeline does with a body up to the ledger; `BadRequest` refuses all of it."""
    decoded = DECODER.decode(body, content_type, NOW_NS)
    calls = []
    for found in READER.read_all(decoded.spans):
        if isinstance(found, Call):
            call, _ = RULES.book(found)
            try:
                book(call, PRICES, writer="main", now_us=NOW_NS // 1000, backfill_before_us=0)
            except ValueError:  # a refused span
                continue
            calls.append(call)
    return calls


@given(mutated())
@FUZZ
def test_a_mutated_body_is_read_or_refused_and_the_next_good_one_is_read(
    changed: tuple[bytes, str],
) -> None:
    with contextlib.suppress(BadRequest):
        take(*changed)
    for body, content_type in (BODIES[0], BODIES[len(ATTRIBUTES)]):
        assert [call.usage.input_tokens for call in take(body, content_type)] == [1312, 1312]


@given(st.data())
@FUZZ
def test_a_mutated_gzip_is_undone_or_refused(data: st.DataObject) -> None:
    body = gzip.compress(BODIES[0][0], mtime=0)
    at = data.draw(st.integers(0, len(body) - 1))
    body = body[:at] + data.draw(st.binary(max_size=6)) + body[at + 1 :]
    with contextlib.suppress(BadRequest):
        assert len(decompress(body, "gzip", 1 << 20)) <= 1 << 20
