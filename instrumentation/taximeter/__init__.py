"""Taximeter: OpenTelemetry GenAI spans with token counts and cost tags for every LLM call.

    import taximeter

    taximeter.instrument()

    with taximeter.tags(feature="search", tenant="acme", team="growth", request_type="chat"):
        client.chat.completions.create(...)

Importing this package is light; what measures is imported by `instrument()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taximeter.tags import tags

if TYPE_CHECKING:
    from taximeter.binding import bind
    from taximeter.startup import flush, instrument, stats, uninstrument

__all__ = ["__version__", "bind", "flush", "instrument", "stats", "tags", "uninstrument"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what measures, with the OpenTelemetry SDK, when it is first asked for."""
    if name == "bind":
        from taximeter import binding

        return binding.bind
    if name not in ("flush", "instrument", "stats", "uninstrument"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from taximeter import startup

    return getattr(startup, name)
