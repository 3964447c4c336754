"""The boards against Grafana's own types, as npm's `@grafana/schema` 13.2.3 has them, by `tsc`.

They know panels, grids and variables, but not what is inside a query: other tests run those.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.dashboards.answers import BOARDS, board
from tests.support.servers import program

ROOT: Final = Path(__file__).parents[2]
PINNED: Final = Path(__file__).parent / "schema"
INSTALLED: Final = ROOT / ".build" / "grafana-schema"
# Enums take the strings that JSON has; the type of annotations lacks Prometheus' `expr`.
TYPES: Final = """\
import type { Dashboard, Panel, RowPanel } from "@grafana/schema";
type Loose<T> = T extends string ? (string extends T ? T : `${T}`)
  : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;
export type Doc = Omit<Loose<Dashboard>, "annotations" | "panels">
  & { annotations?: { list?: Record<string, unknown>[] }; panels: (Loose<Panel> | Loose<RowPanel>)[] };
"""  # noqa: E501
COMPILE: Final = ("--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext")


@pytest.fixture(scope="module")
def compiler() -> Path:
    """The installed `tsc`, of the versions in the lock file."""
    lock = INSTALLED / "package-lock.json"
    wanted = (PINNED / "package-lock.json").read_text()
    if not lock.exists() or lock.read_text() != wanted:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        shutil.copytree(PINNED, INSTALLED)
        command = [program("npm"), "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True)
        if done.returncode:
            lock.unlink()
            pytest.fail(f"npm ci failed:\n{done.stderr[-1000:]}", pytrace=False)
    return INSTALLED / "node_modules" / ".bin" / "tsc"


def compiled(compiler: Path, folder: Path, boards: dict[str, dict[str, Any]]) -> str:
    """What the compiler says of documents; empty when they are of the type."""
    (folder / "node_modules").symlink_to(INSTALLED / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "doc.ts").write_text(TYPES)
    for uid, document in boards.items():
        text = json.dumps(document)
        source = f'import type {{ Doc }} from "./doc.js";\nexport default {text} satisfies Doc;\n'
        (folder / f"{uid}.ts").write_text(source)
    sources = [f"{uid}.ts" for uid in boards]
    command = [str(compiler), *COMPILE, "--moduleResolution", "nodenext", *sources]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert bool(done.returncode) == bool(done.stdout)
    return str(done.stdout)


def every_board() -> dict[str, dict[str, Any]]:
    return {path.stem: board(path.stem) for path in sorted(BOARDS.glob("*.json"))}


def test_every_board_is_a_dashboard_to_grafana(compiler: Path, tmp_path: Path) -> None:
    assert compiled(compiler, tmp_path, every_board()) == ""


def test_a_mistake_would_be_found_in_any_of_them(compiler: Path, tmp_path: Path) -> None:
    boards = every_board()
    for document in boards.values():
        del document["panels"][1]["gridPos"]["y"]
    found = compiled(compiler, tmp_path, boards)
    assert found.count("Property 'y' is missing") == len(boards) == 7
    assert [uid for uid in boards if f"{uid}.ts(" not in found] == []
