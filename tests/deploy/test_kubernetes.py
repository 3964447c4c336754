"""The manifests are valid for the API they are written for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
CUSTOM = ("ServiceMonitor", "PrometheusRule")
"""Kinds of the Prometheus operator, whose schemas no cluster without it has."""


def resources() -> list[dict[str, Any]]:
    plan = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return [
        document
        for path in plan["resources"]
        for document in yaml.safe_load_all((FOLDER / path).read_text())
    ]


RESOURCES = resources()


@pytest.mark.parametrize("version", ["1.28", "1.34"])
@pytest.mark.parametrize(
    "resource",
    [r for r in RESOURCES if r["kind"] not in CUSTOM],
    ids=lambda r: f"{r['kind']}/{r['metadata']['name']}",
)
def test_a_resource_is_what_the_api_accepts(resource: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


def test_every_file_the_kustomization_names_is_there() -> None:
    plan = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    files = [
        file.partition("=")[2] or file for c in plan["configMapGenerator"] for file in c["files"]
    ]
    assert [f for f in (*files, *plan["resources"]) if not (FOLDER / f).is_file()] == []


def containers() -> list[dict[str, Any]]:
    return [
        container
        for resource in RESOURCES
        if resource["kind"] == "StatefulSet"
        for container in resource["spec"]["template"]["spec"]["containers"]
    ]


def test_a_container_cannot_write_its_image_or_gain_rights() -> None:
    for container in containers():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_each_replica_is_a_writer_of_its_own_name() -> None:
    (processor,) = (c for c in containers() if c["name"] == "processor")
    writer = next(e for e in processor["env"] if e["name"] == "TAXIMETER_WRITER")
    assert writer["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_the_operators_rules_are_the_rules() -> None:
    (rule,) = (r for r in RESOURCES if r["kind"] == "PrometheusRule")
    plain = yaml.safe_load((ROOT / "grafana" / "rules" / "taximeter.yml").read_text())
    assert rule["spec"] == plain
