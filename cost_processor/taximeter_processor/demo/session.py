"""Brings up what a demo needs: processor, replay provider and example app, wired together."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from taximeter_processor.demo.children import Child, free_port
from taximeter_processor.demo.provider import Provider, ProviderServer

LABEL: Final = "demo"
"""Service name and environment of the example app's calls."""
FAULT_EVERY: Final = 23
LIVE_MODEL: Final = "gpt-4.1-nano"
OPENAI_BASE_URL: Final = "https://api.openai.com/v1"
_APP: Final = "taximeter_processor.demo.example_app:app"


class Session:
    """The parts of one demo, running while entered; `live` uses OpenAI instead of the replay.

    They stop in the order that loses nothing: the app sends its last spans, then the processor
    commits.
    """

    def __init__(self, config: Path, processor_url: str, *, live: bool) -> None:
        self.processor_url = processor_url
        self.app_url = f"http://127.0.0.1:{free_port()}"
        self.provider = None if live else ProviderServer(Provider(fault_every=FAULT_EVERY))
        logs = config.parent / "logs"
        serve = ["-m", "taximeter", "serve", "--config", str(config), "--log-level", "warning"]
        self._processor = Child("processor", serve, logs / "processor.log", {})
        port = self.app_url.rpartition(":")[2]
        app = ["-m", "uvicorn", _APP, "--port", port, "--log-level", "warning"]
        self._app = Child("example app", app, logs / "app.log", self._app_environ())
        self._running = ExitStack()

    def __enter__(self) -> Session:
        with ExitStack() as starting:
            if self.provider is not None:
                starting.enter_context(self.provider)
            for child in (self._processor, self._app):
                starting.enter_context(child)
            self._processor.wait_until_up(f"{self.processor_url}/readyz")
            self._app.wait_until_up(f"{self.app_url}/healthz")
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def check(self) -> None:
        """Raise `TaximeterError` when a part has ended."""
        self._processor.check()
        self._app.check()

    def _app_environ(self) -> dict[str, str]:
        """What an operator would set for such an app; `OPENAI_API_KEY` is inherited when live."""
        common = {
            "OTEL_SERVICE_NAME": LABEL,
            "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={LABEL}",
            # Shown within half a second; production keeps the default of five.
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            "TAXIMETER_ENDPOINT": self.processor_url,
            "TAXIMETER_TRUSTED_PEERS": "127.0.0.1",
        }
        if self.provider is None:
            # A proxy in front of OpenAI is metered like OpenAI itself.
            base_url = os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL
            own = {"EXAMPLE_CHEAP_MODEL": LIVE_MODEL}
        else:
            base_url = self.provider.base_url
            own = {"OPENAI_API_KEY": "sk-replayed"}
        hosts = f"{urlsplit(base_url).netloc}=openai"
        return {**common, **own, "OPENAI_BASE_URL": base_url, "TAXIMETER_HOSTS": hosts}
