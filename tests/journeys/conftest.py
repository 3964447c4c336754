"""What the journeys share: a provider, applications on the openai SDK, a zone where it is noon."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.support.provider import ReplayProvider

APP = Path(__file__).parents[1] / "support" / "openai_app.py"
App = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def provider() -> Iterator[ReplayProvider]:
    """Counts what it served; `cost_pico` is what that costs."""
    server = ReplayProvider()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def app(provider: ReplayProvider) -> App:
    """Starts an application that makes the planned calls, exports and ends."""

    def start(otlp_url: str, *plans: str, service: str = "shop") -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_url,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "60000",
            "OTEL_SERVICE_NAME": service,
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "TAXIMETER_HOSTS": f"127.0.0.1:{provider.port}=openai",
        }
        return subprocess.Popen(
            [sys.executable, str(APP), provider.base_url, *plans],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for an application's end; its output is the message when it failed."""
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output


def noon_zone() -> str:
    """A time zone in which it is about noon now: no test runs across its midnight."""
    behind = datetime.now(timezone.utc).hour - 12
    return f"Etc/GMT{behind:+d}" if behind else "UTC"
