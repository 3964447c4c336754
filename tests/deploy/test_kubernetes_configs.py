"""What the manifests mount is accepted by the programs that read it, with a pod's own variables."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_kubernetes import FOLDER, RESOURCES, ROOT, containers
from tests.support import collector
from tests.support.servers import program, taximeter

TOKENS = {"ingest": "tx_ingest_0123456789abcdef", "read": "tx_read_0123456789abcdef"}
"""The keys of the secret `taximeter-tokens` that docs/deploy.md makes."""


def pod(name: str) -> dict[str, Any]:
    (found,) = (c for c in containers() if c["name"] == name)
    return found


def variables(name: str, tokens: Path) -> dict[str, str]:
    """Those of a container; what comes from elsewhere has a value such as the cluster gives."""
    given = {
        "metadata.name": "taximeter-0",
        "url": "postgresql://taximeter:secret@ledger.example/costs?sslmode=verify-full",
    }
    found = {}
    for variable in pod(name)["env"]:
        source = variable.get("valueFrom", {})
        key = source.get("fieldRef", {}).get("fieldPath") or source.get("secretKeyRef", {}).get(
            "key"
        )
        value = given[key] if key else variable["value"]
        found[variable["name"]] = value.replace("/run/taximeter", str(tokens))
    return found


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    folder = tmp_path / "tokens"
    folder.mkdir()
    for name, text in TOKENS.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o400)
    return folder


def generated() -> dict[str, Path]:
    """`CONFIGMAP/KEY` of each file that the kustomization puts into one."""
    plan = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    found = {}
    for config in plan["configMapGenerator"]:
        for entry in config["files"]:
            key, _, path = entry.rpartition("=")
            found[f"{config['name']}/{key or Path(path).name}"] = FOLDER / path
    return found


def test_the_files_are_where_the_programs_look_for_them() -> None:
    assert set(generated()) == {
        "taximeter-config/taximeter.yaml",
        "taximeter-collector-config/config.yaml",
    }
    mounts = {
        c["name"]: {m["name"]: m["mountPath"] for m in c["volumeMounts"]} for c in containers()
    }
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert f"TAXIMETER_CONFIG={mounts['processor']['config']}/taximeter.yaml" in dockerfile
    assert pod("collector")["args"] == [f"--config={mounts['collector']['config']}/config.yaml"]


def test_the_service_accepts_its_configuration(tokens: Path, tmp_path: Path) -> None:
    config = tmp_path / "taximeter.yaml"
    text = generated()["taximeter-config/taximeter.yaml"].read_text()
    config.write_text(text.replace("/run/taximeter", str(tokens)))
    done = subprocess.run(
        taximeter("check", str(config)),
        env={**os.environ, **variables("processor", tokens)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 tokens" in done.stdout


def test_the_collector_accepts_its_configuration(tokens: Path) -> None:
    done = subprocess.run(
        [
            collector.program(),
            "validate",
            f"--config={generated()['taximeter-collector-config/config.yaml']}",
        ],
        env={**os.environ, **variables("collector", tokens)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_prometheus_accepts_the_operators_rules(tmp_path: Path) -> None:
    (rule,) = (r for r in RESOURCES if r["kind"] == "PrometheusRule")
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    done = subprocess.run(
        [program("promtool"), "check", "rules", path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    count = sum(len(group["rules"]) for group in rule["spec"]["groups"])
    assert f"SUCCESS: {count} rules found" in done.stdout
