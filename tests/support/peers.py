"""Turns the name of another instrumentation into that instrumentation, installed and started."""

from __future__ import annotations

import importlib
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from opentelemetry.sdk.trace import TracerProvider

ROOT: Final = Path(__file__).parents[2]
MODULES: Final = {
    "otel-genai": "opentelemetry.instrumentation.genai.openai",
    "otel-openai-v2": "opentelemetry.instrumentation.openai_v2",
    "openllmetry": "opentelemetry.instrumentation.openai",
    "openinference": "openinference.instrumentation.openai",
}
"""The peers that are OpenTelemetry instrumentors, and where each is."""
_NO_CONTENT: Final = {
    "TRACELOOP_TRACE_CONTENT": "false",
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
}


@cache
def python_of(environment: str) -> Path:
    """The interpreter of a peer's environment, which is made first when it is missing or stale.

    Raises `AssertionError` with the installer's last line when it cannot be made.
    """
    install = subprocess.run(
        [ROOT / "scripts/install-peers", environment], capture_output=True, text=True
    )
    last_line = (install.stderr.strip().splitlines() or ["scripts/install-peers failed"])[-1]
    assert install.returncode == 0, last_line
    return ROOT / ".build/peers" / environment / "bin/python"


def instrument(peer: str, provider: TracerProvider) -> None:
    """Start a peer in this process, without content where it has a switch for that."""
    os.environ.update(_NO_CONTENT)
    instrumentor = importlib.import_module(MODULES[peer]).OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
