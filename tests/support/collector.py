"""The real Collector for tests: built when needed, run with the shipped configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.support.servers import Server, free_port, get

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "otel-collector-config.yaml"
PROGRAM = ROOT / ".build/collector/taximeter-collector"


@cache
def program() -> Path:
    """The Collector's binary, built first when it is missing or of another version.

    Raises `AssertionError` with the build's last line when it cannot be built.
    """
    build = subprocess.run([ROOT / "collector/build"], stderr=subprocess.PIPE, text=True)
    last_line = (build.stderr.strip().splitlines() or ["collector/build failed"])[-1]
    assert build.returncode == 0, last_line
    return PROGRAM


class Collector(Server):
    """One Collector on free ports, its queue below `directory`; `url` takes OTLP over HTTP.

    `environment` sets more of the variables in `docs/collector.md`; `configs` are merged left to
    right, as the Collector merges its `--config` files.
    """

    def __init__(
        self,
        directory: Path,
        processor_url: str,
        *,
        environment: Mapping[str, str] | None = None,
        configs: Sequence[Path] = (CONFIG,),
    ) -> None:
        super().__init__(directory, "collector")
        self._configs = configs
        self._grpc_port, self._health_port, self._metrics_port = (free_port() for _ in range(3))
        self._environment = {
            "TAXIMETER_PROCESSOR_ENDPOINT": processor_url,
            "TAXIMETER_COLLECTOR_HTTP": f"127.0.0.1:{self.port}",
            "TAXIMETER_COLLECTOR_GRPC": f"127.0.0.1:{self._grpc_port}",
            "TAXIMETER_COLLECTOR_HEALTH": f"127.0.0.1:{self._health_port}",
            "TAXIMETER_COLLECTOR_METRICS_PORT": str(self._metrics_port),
            "TAXIMETER_COLLECTOR_QUEUE_DIR": str(directory / "queue"),
            **(environment or {}),
        }

    def __enter__(self) -> Collector:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def command(self, subcommand: Sequence[str] = ()) -> Sequence[str]:
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        configs = [f"--config={path}" for path in self._configs]
        return ["env", *variables, str(program()), *subcommand, *configs]

    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self._health_port}/"

    @property
    def grpc_endpoint(self) -> str:
        """Where OTLP over gRPC is taken."""
        return f"http://127.0.0.1:{self._grpc_port}"

    @property
    def metrics_target(self) -> str:
        """`host:port` that Prometheus scrapes for the Collector's own metrics."""
        return f"127.0.0.1:{self._metrics_port}"

    def validate(self) -> subprocess.CompletedProcess[str]:
        """The Collector's own verdict on its configuration."""
        return subprocess.run(self.command(["validate"]), capture_output=True, text=True)

    def metric(self, name: str, exporter: str = "otlp_http/taximeter") -> float:
        """The sum of one of the Collector's own metrics; 0 while it has no sample."""
        families = text_string_to_metric_families(get(f"http://{self.metrics_target}/metrics"))
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if family.name == name and sample.labels.get("exporter") == exporter
        )
