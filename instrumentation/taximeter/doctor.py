"""Turns this Python environment into a report: what is metered, and whether a span arrives."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import logging
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from taximeter import __version__, faults, settings, startup, tracing
from taximeter.capture import hooks

SDKS = (
    "openai",
    "anthropic",
    "google-genai",
    "mistralai",
    "groq",
    "cohere",
    "ollama",
    "litellm",
    "boto3",
    "aiobotocore",
    "langchain-core",
    "llama-index-core",
    "pydantic-ai-slim",
    "openai-agents",
)
"""Distributions worth naming when they are installed."""

_TIMEOUT_VARIABLE = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"
_TIMEOUT_SECONDS = "3"


class Report(NamedTuple):
    """What was found; `problem` is empty if the test span was accepted."""

    python: str
    taximeter: str
    sdks: dict[str, str]
    clients: dict[str, str]
    hooks: list[str]
    endpoint: str
    protocol: str
    ignored: list[str]
    problem: str


def main(arguments: Sequence[str]) -> int:
    """Print the report. Returns 0 if a test span was accepted, else 1."""
    parser = argparse.ArgumentParser(
        prog="taximeter doctor",
        description="Say which SDKs and hooks were found, where spans go, and whether one arrives.",
        epilog="\n".join(
            ["environment:", *(f"  {name:<26}{text}" for name, text in settings.VARIABLES.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    report = examine()
    print(json.dumps(report._asdict(), indent=2) if options.json else _as_text(report))
    return 1 if report.problem else 0


def examine() -> Report:
    """Look at this environment and send one test span."""
    os.environ.setdefault(_TIMEOUT_VARIABLE, _TIMEOUT_SECONDS)
    chosen = settings.load()
    exporter = tracing.otlp_exporter(chosen.endpoint)
    is_grpc = ".grpc." in type(exporter).__module__
    return Report(
        python=f"{platform.python_version()} at {sys.executable}",
        taximeter=__version__,
        sdks=_versions(SDKS),
        clients=_versions(dict.fromkeys(library.distribution for library in hooks.LIBRARIES)),
        hooks=_hooks(),
        endpoint=tracing.destination(chosen.endpoint),
        protocol="OTLP over gRPC" if is_grpc else "OTLP over HTTP",
        ignored=sorted(faults.counts()),
        problem=_send(exporter, _test_span()),
    )


def _versions(distributions: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _hooks() -> list[str]:
    """Replace the methods for a moment, and say which ones that worked for."""
    for library in hooks.LIBRARIES:
        if importlib.util.find_spec(library.module.partition(".")[0]) is not None:
            importlib.import_module(library.module)
    startup.instrument(http_spans=False)
    try:
        return hooks.hooked()
    finally:
        startup.uninstrument()


def _test_span() -> ReadableSpan:
    """A span that is no call: the processor must not count it."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("taximeter.doctor", __version__).start_span("taximeter doctor").end()
    return memory.get_finished_spans()[0]


class _Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def _send(exporter: SpanExporter, span: ReadableSpan) -> str:
    """Send one span; empty if it was accepted, else what the exporter logged about it."""
    logger, messages = logging.getLogger("opentelemetry"), _Messages()
    logger.addHandler(messages)
    try:
        is_accepted = exporter.export([span]) is SpanExportResult.SUCCESS
    except Exception as error:  # older exporters raise where newer ones answer
        return str(error)
    finally:
        logger.removeHandler(messages)
        exporter.shutdown()
    return "" if is_accepted else "; ".join(messages.texts) or "no answer"


def _as_text(report: Report) -> str:
    answer = f"refused: {report.problem}" if report.problem else "accepted"
    rows = {
        "Taximeter": f"{report.taximeter}, Python {report.python}",
        "SDKs": _listed(report.sdks) or "none of those known was found",
        "Clients": _listed(report.clients) or "no HTTP client that is metered is installed",
        "Hooks": ", ".join(report.hooks) or "none: nothing can be metered",
        "Spans go to": f"{report.endpoint} ({report.protocol})",
        "Ignored": ", ".join(report.ignored),
        "Test span": answer,
    }
    return "\n".join(f"{name:<13}{text}" for name, text in rows.items() if text)


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())
