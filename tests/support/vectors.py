"""Spans of every emitter, with what each must be read as: the reference's and those it lacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.decoded import Rejected
from taximeter_processor.ingest.otlp import JSON, Decoder
from taximeter_processor.model import Call, NotACall, Span
from tests.support.otlp import NOW_NS, json_body, json_span

FILES: Final = ("genai-attributes-vectors.json", "emitter-vectors.json")
_FOLDER: Final = Path(__file__).parents[1] / "data"

VECTORS: Final[list[dict[str, Any]]] = [
    vector for file in FILES for vector in json.loads((_FOLDER / file).read_text())["vectors"]
]


def span_of(vector: dict[str, Any]) -> Span:
    """The span of a vector, through the decoder."""
    span = json_span(1, vector["attributes"], name=vector["span_name"])
    body = json_body(span, scope=vector["scope"] or "", resource=vector.get("resource"))
    return Decoder().decode(body, JSON, NOW_NS).spans[0]


def read_vector(vector: dict[str, Any]) -> Call | NotACall | Rejected:
    """What a vector's span is read as."""
    return next(CallReader().read_all([span_of(vector)]))
