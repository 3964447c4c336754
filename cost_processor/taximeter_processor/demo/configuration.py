"""Writes the demo's `taximeter.yaml`: owners and budgets as a company would have them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml

FILE_NAME: Final = "taximeter.yaml"
DEFAULT_PORT: Final = 4319

_TEMPLATE: Final = """\
# Written by `taximeter demo`; edit it as you like, it is not overwritten.
ledger: {ledger}
listen: 127.0.0.1:{port}
timezone: UTC
# 0 because no Prometheus is watching yet: production keeps the default of 120.
birth_hold_seconds: 0

owners:
  - {{name: alice, features: [support-chat]}}
  - {{name: bob, features: [search, summarise]}}
  - {{name: carol, features: [agent, doc-extraction], teams: [platform]}}

budgets:
  - {{name: everything, period: month, usd: 400, owner: carol}}
  - {{name: support-chat, feature: support-chat, period: month, usd: 120}}
  - {{name: agent, feature: agent, period: month, usd: 75}}
  - {{name: platform today, team: platform, period: day, usd: 10, owner: carol}}
"""


def write_if_absent(directory: Path, port: int) -> Path:
    """The path of the configuration in `directory`, written when there is none."""
    path = directory / FILE_NAME
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        # Absolute, so that every `taximeter` command finds it from wherever it runs.
        ledger = yaml.safe_dump(str((directory / "taximeter.duckdb").resolve()), width=4096)
        text = _TEMPLATE.format(ledger=ledger.splitlines()[0], port=port)
        path.write_text(text, encoding="utf-8")
    return path
