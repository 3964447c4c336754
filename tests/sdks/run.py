"""Runs an SDK's scenarios without Taximeter and then with it, and prints what came of each as JSON.

    python -m tests.sdks.run openai

This is an application: its environment has one SDK or a few and the light library, and no pytest.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import sys
import traceback
from importlib import metadata

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import taximeter
from tests.sdks.scenario import Scenario, Sdk, shown
from tests.taximeter.replay import ReplayServer

TAGS = {"feature": "search", "tenant": "acme", "team": "growth", "request_type": "interactive"}


class Stage:
    """A replaying server for every provider, and the spans of what was played."""

    def __init__(self, sdk: Sdk) -> None:
        self._servers = {scenario.provider: ReplayServer() for scenario in sdk.scenarios}
        self._exporter = InMemorySpanExporter()
        self._tracing = TracerProvider(shutdown_on_exit=False)
        self._tracing.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._loop = asyncio.new_event_loop()  # some SDKs keep a connection from call to call

    def instrument(self) -> None:
        hosts = {f"127.0.0.1:{server.port}": provider for provider, server in self._servers.items()}
        taximeter.instrument(tracer_provider=self._tracing, hosts=hosts)

    def play(self, scenario: Scenario) -> dict[str, object]:
        """What the application and the provider saw, and the spans that were written."""
        server = self._servers[scenario.provider]
        server.answers.extend(given.answer() for given in scenario.given)
        server.requests.clear()
        server.go_on.clear()
        outcome = self._outcome(scenario, f"http://127.0.0.1:{server.port}")
        server.go_on.set()
        gc.collect()
        self._loop.run_until_complete(asyncio.sleep(0))
        spans = [dict(span.attributes or {}) for span in self._exporter.get_finished_spans()]
        self._exporter.clear()
        unasked = len(server.answers)
        server.answers.clear()
        requests = [[path, *sorted(headers)] for path, headers in server.requests]
        return {**outcome, "requests": requests, "unasked": unasked, "spans": spans}

    def _outcome(self, scenario: Scenario, url: str) -> dict[str, object]:
        try:
            with taximeter.tags(**TAGS):
                value = scenario.play(url)
                if inspect.iscoroutine(value):
                    value = self._loop.run_until_complete(value)
            return {"seen": shown(value), "failure": None}
        except Exception:
            return {"seen": None, "failure": traceback.format_exc()}


def main(name: str) -> None:
    """Print the version in the first line, then one line for each scenario."""
    out, sys.stdout = sys.stdout, sys.stderr  # SDKs print, too
    sdk: Sdk = importlib.import_module(f"tests.sdks.scenarios.{name}").SDK
    print(json.dumps({"version": metadata.version(sdk.distribution)}), file=out, flush=True)
    gc.freeze()  # what was imported need not be gone through again after every scenario
    stage = Stage(sdk)
    before = [stage.play(scenario) for scenario in sdk.scenarios]
    stage.instrument()
    for scenario, without in zip(sdk.scenarios, before, strict=True):
        result = {
            "name": scenario.name,
            "feature": scenario.feature,
            "given": [vars(given) for given in scenario.given],
            "without": without,
            "with": stage.play(scenario),
            "stats": taximeter.stats(),
        }
        print(json.dumps(result), file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
