"""Spans by their attributes, and what they are read as: shared by the tests of dialects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.decoded import Rejected
from taximeter_processor.ingest.otlp import JSON, Decoder
from taximeter_processor.model import Call, NotACall, Usage
from tests.support.otlp import NOW_NS, json_body, json_span


def read(
    attributes: Mapping[str, Any],
    *,
    name: str = "chat",
    scope: str = "",
    resource: Mapping[str, Any] | None = None,
) -> Call | NotACall | Rejected:
    """What one span is read as, through the decoder."""
    body = json_body(json_span(1, attributes, name=name), scope=scope, resource=resource)
    return CallReader().read(Decoder().decode(body, JSON, NOW_NS).spans[0])


def call_of(attributes: Mapping[str, Any], **fields: Any) -> Call:
    """The call that a span tells of; fails when it is none."""
    found = read(attributes, **fields)
    assert isinstance(found, Call), found
    return found


def usage_of(attributes: Mapping[str, Any], **fields: Any) -> Usage:
    """The normal form of its counts."""
    return call_of(attributes, **fields).usage


def reason_of(attributes: Mapping[str, Any], **fields: Any) -> str:
    """Why a span is no call, or is refused; fails when it is a call."""
    found = read(attributes, **fields)
    assert not isinstance(found, Call), found
    return found.reason
