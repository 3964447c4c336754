"""OpenLLMetry's own spans: `traceloop.span.kind` marks workflows, tasks, agents and tools."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ingest.dialects.base import text_of
from taximeter_processor.model import NotACall, Span

MARK: Final = "traceloop.span.kind"
KEYS: Final = frozenset({MARK})


def read(span: Span) -> NotACall | None:
    """Whatever has one of the four kinds sums its children; any other says nothing of itself."""
    is_sum = text_of(span.attributes[MARK]).lower() in ("workflow", "task", "agent", "tool")
    return NotACall("aggregate") if is_sum else None
