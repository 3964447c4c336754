"""Taximeter: OpenTelemetry GenAI spans with token counts and cost tags for every LLM call.

    import taximeter

    taximeter.instrument()

    with taximeter.tags(feature="search", tenant="acme", team="growth", request_type="chat"):
        client.chat.completions.create(...)

Importing this package is light; what measures is imported by `instrument()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from taximeter.tags import tags

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["__version__", "flush", "instrument", "tags", "uninstrument"]

__version__ = "0.1.0"
