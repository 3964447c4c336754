from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from taximeter_processor.errors import ConfigError
from taximeter_processor.observability.generate import EXAMPLE, check, generate, main, write
from taximeter_processor.observability.receivers import Receiver
from tests.taximeter_processor.observability.prometheus_tools import ROOT

WITH_SDK = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="grafana-foundation-sdk needs Python 3.11"
)
GRAFANA = ROOT / "grafana"


def test_rules_routes_and_provisioning_in_the_repository_are_as_generated() -> None:
    assert check(generate(GRAFANA, with_dashboards=False)) == []


@WITH_SDK
def test_every_file_in_the_repository_is_generated_and_as_generated() -> None:
    files = generate(GRAFANA)
    assert check(files) == []
    assert {*files} == {path for path in GRAFANA.rglob("*") if path.is_file()}


def test_written_files_pass_the_check_and_changed_ones_do_not(tmp_path: Path) -> None:
    files = generate(tmp_path, with_dashboards=False)
    write(files)
    assert check(files) == []
    rules, routes = tmp_path / "rules/taximeter.yml", tmp_path / "alertmanager/alertmanager.yml"
    rules.write_text("groups: []\n")
    routes.unlink()
    assert check(files) == [
        f"{rules} differs from what is generated",
        f"{routes} is missing",
    ]


def test_a_plan_that_would_lose_alerts_is_refused(tmp_path: Path) -> None:
    plan = replace(EXAMPLE, routing=replace(EXAMPLE.routing, fallback=Receiver("fallback")))
    with pytest.raises(ConfigError, match="fallback_owner"):
        generate(tmp_path, plan)


@WITH_SDK
def test_the_command_writes_then_finds_nothing_to_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path), "--check"]) == 1
    assert "rules/taximeter.yml is missing" in capsys.readouterr().err
    assert main(["--out", str(tmp_path)]) == 0
    assert main(["--out", str(tmp_path), "--check"]) == 0
