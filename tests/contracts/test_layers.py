"""Data flows one way: a module imports from its own stage or from earlier ones, in no cycle."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROCESSOR = ROOT / "cost_processor" / "taximeter_processor"
APPLICATION = ROOT / "instrumentation" / "taximeter"

STAGES = (
    (
        "model",
        "names",
        "errors",
        "money",
        "clock",
        "pricing.overrides",
        "pricing.contracts",
        "strict",
        "credentials",
        "people",
        "settings",
        "delivery",
    ),
    (
        "ledger",
        "ingest",
        "usage",
        "pricing",
        "tagging",
        "owners",
        "periods",
        "buckets",
        "budgets",
        "analysis",
        "metrics",
        "formats",
        "mailing",
    ),
    ("costing", "observability", "gaps"),
    ("pipeline", "importers"),
    ("worker", "reports", "demo", "digests", "digest_clock", "upkeep"),
    ("api.auth", "api.session"),
    ("service",),
    ("api", "web"),
    ("app",),
    ("cli",),
)
"""Earliest first. A longer name stands for itself, a shorter one for all of its folder."""


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Modules imported at module level or under TYPE_CHECKING."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def graph(root: Path) -> dict[str, set[str]]:
    modules = {module_name(path, root): path for path in sorted(root.rglob("*.py"))}
    return {
        name: {found for found in imports(path) if found in modules and found != name}
        for name, path in modules.items()
    }


def stage(module: str) -> int:
    inner = module.partition(".")[2]
    ranked = [
        (len(name), number)
        for number, names in enumerate(STAGES)
        for name in names
        if inner == name or inner.startswith(f"{name}.")
    ]
    assert ranked, f"{module} belongs to no stage: add it to STAGES"
    return max(ranked)[1]


@pytest.mark.parametrize("root", [PROCESSOR, APPLICATION], ids=lambda root: root.name)
def test_imports_form_no_cycle(root: Path) -> None:
    edges = graph(root)
    # A package's own __init__ naming its members is not a cycle through them.
    packages = {name for name in edges if any(other.startswith(f"{name}.") for other in edges)}
    pruned = {name: found - packages for name, found in edges.items()}
    assert list(TopologicalSorter(pruned).static_order())


def test_no_module_imports_from_a_later_stage() -> None:
    wrong = [
        f"{module} -> {found}"
        for module, imported in graph(PROCESSOR).items()
        for found in imported
        if "." in module and "." in found and stage(found) > stage(module)
    ]
    assert wrong == []


def test_the_application_s_package_never_imports_the_service() -> None:
    wrong = [
        str(path)
        for path in APPLICATION.rglob("*.py")
        if path.name != "__main__.py"
        and any(name.startswith("taximeter_processor") for name in imports(path))
    ]
    assert wrong == []


def test_importing_taximeter_loads_neither_sdk_nor_http_client_nor_service() -> None:
    code = "import sys, taximeter; print(sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("httpx", "httpx2", "openai", "taximeter_processor", "requests", "fastapi"):
        assert f"'{heavy}'" not in loaded


def test_files_stay_small_enough_to_read() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for root in (PROCESSOR, APPLICATION)
        for path in root.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 420
    ]
    assert long == []
