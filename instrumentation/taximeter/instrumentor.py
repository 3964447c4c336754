"""Turns OpenTelemetry's zero-code start into metered clients."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined] # that module opts out of type checks
    BaseInstrumentor,
)

from taximeter import startup


class TaximeterInstrumentor(BaseInstrumentor):  # type: ignore[misc] # as above
    """What `opentelemetry-instrument` finds under the entry point `taximeter`.

    It takes the keyword arguments of `taximeter.instrument`. No SDK is a dependency: whichever is
    imported later is metered. HTTP spans are left to OpenTelemetry, which starts its own
    instrumentors, unless `http_spans=True` is passed.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        startup.instrument(**{"http_spans": False, **kwargs})

    def _uninstrument(self, **kwargs: Any) -> None:
        startup.uninstrument()
