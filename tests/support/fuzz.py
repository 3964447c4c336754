"""Real bodies of every dialect to mutate, and what the pipeline does up to the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from taximeter_processor.costing import book
from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.otlp import JSON, PROTOBUF, Decoder
from taximeter_processor.model import Call
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.settings import Settings
from taximeter_processor.tagging import TagRules
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span, proto_span, protobuf

DATA: Final = Path(__file__).parents[1] / "data"


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
INTERESTING: Final = (
    *(b"", b"\x00", b"\xff", b"\x80" * 9, b"\x0a\x00", b"\x12\xff\x7f"),
    *(b'"', b"{", b"[", b"}", b",", b"null", b"-1", b"1e999", b"NaN", b"\\ud800", b"9" * 30),
    *(b"\xed\xa0\x80", b"\xf0\x9f\x9a\x95"),
)
"""Bytes that have meant something to some reader."""


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
