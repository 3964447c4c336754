"""The compose file holds together, as far as that can be told without an engine to run it."""

from __future__ import annotations

import re
import runpy
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from taximeter_processor.cli.rules import plan_of
from taximeter_processor.observability.generate import generate
from taximeter_processor.settings import Settings, parse

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    runpy.run_path(str(DEPLOY / "compose" / "secrets.py"))["main"](tmp_path)
    return tmp_path


@pytest.fixture
def settings(secrets: Path) -> Settings:
    path = DEPLOY / "compose" / "taximeter.yaml"
    return parse(path.read_text().replace("/run/taximeter", str(secrets)), path)


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_one_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "taximeter:local" or re.search(r":v?\d+\.\d+(\.\d+)?$", image)


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


def test_every_file_that_is_mounted_is_there() -> None:
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
    sources = {mount.partition(":")[0] for mount in mounts}
    assert {s for s in sources if not s.startswith(".")} == set(COMPOSE["volumes"])
    assert [s for s in sources if s.startswith(".") and not (DEPLOY / s).exists()] == []


def test_services_wait_for_services_that_say_they_are_healthy() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            is_ours = SERVICES[name]["image"] == "taximeter:local"
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name] or is_ours


def test_the_collectors_version_is_the_one_that_is_built_and_tested() -> None:
    manifest = yaml.safe_load((ROOT / "collector" / "manifest.yaml").read_text())
    assert SERVICES["collector"]["image"].endswith(f":{manifest['dist']['version']}")


def test_secrets_are_made_once_and_are_private(secrets: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    runpy.run_path(str(DEPLOY / "compose" / "secrets.py"))["main"](secrets)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}
    assert modes.pop("pgpass") == 0o600
    assert set(modes.values()) == {0o640}


def test_the_configuration_is_valid_with_the_secrets_that_are_made(settings: Settings) -> None:
    assert [token.name for token in settings.tokens] == ["collector", "prometheus"]
    assert len({token.secret() for token in settings.tokens}) == 2


def test_prometheus_scrapes_the_services_by_their_names(settings: Settings) -> None:
    files = generate(Path("/provision"), plan_of(settings, 2026), with_dashboards=False)
    config = yaml.safe_load(files[Path("/provision/prometheus/prometheus.yml")])
    targets = [
        target
        for job in config["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    ]
    assert {target.partition(":")[0] for target in targets} <= set(SERVICES)
