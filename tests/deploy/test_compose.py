"""The compose file holds together, as far as that can be told without an engine to run it."""

from __future__ import annotations

import os
import re
import runpy
import stat
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from taximeter_processor.cli.rules import plan_of
from taximeter_processor.observability.generate import generate
from taximeter_processor.settings import Settings, parse

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def make_secrets(root: Path) -> Path:
    script = runpy.run_path(str(DEPLOY / "compose" / "make_secrets.py"))
    script["main"](root / "run", root / "queue")
    return root / "run"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name in ("run", "queue"):
        (tmp_path / name).mkdir()
    return make_secrets(tmp_path)


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
    make_secrets(secrets.parent)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}
    shared = {name: mode for name, mode in modes.items() if mode != 0o600}
    assert shared == {"read": 0o640, "reader": 0o640}


def test_a_secret_that_a_newer_version_adds_is_made_beside_the_old_ones(secrets: Path) -> None:
    (secrets / "reader").unlink()
    kept = (secrets / "postgres").read_text()
    make_secrets(secrets.parent)
    assert (secrets / "reader").read_text().startswith("tx_")
    assert (secrets / "postgres").read_text() == kept


USERS = {
    "processor": (10001, 10001),  # both as deploy/Dockerfile makes it
    "collector": (10001, 0),  # compose names the user, of whom its image knows no group
    "prometheus": (65534, 65534),
    "grafana": (472, 0),
    "postgres": (0, 0),  # until its image's script has read the password
}
"""User and group of each image's process."""


@pytest.mark.parametrize(
    ("service", "secret"),
    [
        ("processor", "ingest"),
        ("processor", "read"),
        ("processor", "pgpass"),
        ("processor", "reader"),
        ("collector", "ingest"),
        ("prometheus", "read"),
        ("grafana", "grafana"),
        ("grafana", "reader"),
    ],
)
def test_a_service_may_read_what_it_needs(
    service: str, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert may(service, "read", _owned(tmp_path, monkeypatch)[secret])


@pytest.mark.parametrize(
    ("service", "secret"),
    [
        ("prometheus", "ingest"),
        ("prometheus", "pgpass"),
        ("grafana", "postgres"),
        ("grafana", "pgpass"),
        ("collector", "grafana"),
    ],
)
def test_a_service_may_not_read_what_is_another_s(
    service: str, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not may(service, "read", _owned(tmp_path, monkeypatch)[secret])


def test_the_collector_may_write_to_its_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert may("collector", "write", _owned(tmp_path, monkeypatch)["queue"])


class Owned(NamedTuple):
    """Whose a file is, and what its mode allows."""

    user: int
    group: int
    mode: int


def may(service: str, verb: str, file: Owned) -> bool:
    """What the kernel would say of a user who is not root."""
    user, group = USERS[service]
    shift = 6 if user == file.user else 3 if group == file.group else 0
    return bool(file.mode >> shift & {"read": 4, "write": 2}[verb])


def _owned(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Owned]:
    """What the script gives to whom when root runs it, told without being root."""
    given: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, u, g: given.update({Path(path).stem: (u, g)}))
    for name in ("run", "queue"):
        (root / name).mkdir()
    make_secrets(root)
    paths = [root / "queue", *(root / "run").iterdir()]
    return {p.name: Owned(*given[p.name], stat.S_IMODE(p.stat().st_mode)) for p in paths}


def test_prometheus_keeps_what_the_baselines_look_back_for() -> None:
    (kept,) = re.findall(r"retention\.time=(\d+)d", " ".join(SERVICES["prometheus"]["command"]))
    assert int(kept) >= 42


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
