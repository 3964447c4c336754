"""`collector/build`: builds once, and says in one line what it lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.collector import ROOT, program


def test_the_program_is_of_the_manifests_version() -> None:
    version = yaml.safe_load((ROOT / "collector/manifest.yaml").read_text())["dist"]["version"]
    answer = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout == f"taximeter-collector version {version}\n"


def test_every_part_of_the_manifest_is_of_one_release() -> None:
    manifest = yaml.safe_load((ROOT / "collector/manifest.yaml").read_text())
    parts = [part["gomod"] for key, group in manifest.items() if key != "dist" for part in group]
    versions = {part.split()[1] for part in parts}
    assert versions == {"v0.161.0", "v1.67.0"}


def test_what_is_built_already_is_not_built_again() -> None:
    before = program().stat().st_mtime_ns
    again = subprocess.run([ROOT / "collector/build"], capture_output=True, text=True)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert program().stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("version", "toolchain"), [("go1.25.9", "local"), ("go1.20.14", ""), ("go1.19", "")]
)
def test_a_go_that_is_too_old_is_named_in_one_line(
    version: str, toolchain: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "collector", tmp_path / "collector")
    go = tmp_path / "bin/go"
    go.parent.mkdir()
    go.write_text(f'#!/bin/sh\n[ "$2" = GOVERSION ] && echo {version} || echo {toolchain}\n')
    go.chmod(0o755)
    answer = subprocess.run(
        [tmp_path / "collector/build"],
        env={**os.environ, "PATH": f"{go.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert answer.stderr == (
        f"collector: {version} is too old, Go 1.26 or newer is needed: install it from "
        "https://go.dev/dl/ into /usr/local/go, then run make collector\n"
    )
