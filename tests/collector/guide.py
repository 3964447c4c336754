"""The YAML examples of docs/collector.md, as files a Collector can read."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.collector import ROOT

GUIDE = (ROOT / "docs/collector.md").read_text()


def snippet(name: str) -> str:
    """The guide's YAML example that defines `name`."""
    blocks: list[str] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    found = [block for block in blocks if f"  {name}:" in block]
    assert len(found) == 1
    return found[0]


def saved(directory: Path, *contents: str) -> list[Path]:
    """Each content in a file of its own."""
    paths = [directory / f"{number}.yaml" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    return paths
