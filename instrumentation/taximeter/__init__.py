"""Taximeter: OpenTelemetry GenAI spans with token counts and cost tags for every LLM call."""

from __future__ import annotations

__version__ = "0.1.0"
