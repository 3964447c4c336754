"""OpenLLMetry's own spans: `traceloop.span.kind` marks workflows, tasks, agents and tools."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects import otel
from taximeter_processor.ingest.dialects.base import Reading, text_of
from taximeter_processor.model import NotACall, Span

MARK: Final = "traceloop.span.kind"
KEYS: Final = frozenset({MARK})


def read(span: Span) -> Reading | NotACall:
    """Whatever has one of the four kinds sums its children; a call carries none of them."""
    if text_of(span.attributes[MARK]) in ("workflow", "task", "agent", "tool"):
        return NotACall("aggregate")
    return otel.read(span)
