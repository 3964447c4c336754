"""Makes the stack's secrets where there are none yet; they outlive restarts in their volume.

Not named `secrets`: Python would import this file for the module of that name.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

PROCESSOR, PROMETHEUS, GRAFANA = 10001, 65534, 472
"""The users of the containers; the Collector runs as the processor's."""

TOKENS = {
    "ingest": (PROCESSOR, 0o600),
    "read": (PROMETHEUS, 0o640),
    "grafana": (GRAFANA, 0o600),
    "reader": (GRAFANA, 0o640),
}
"""Whose each is; those with another mode are read by the processor's group, too."""


def give(path: Path, owner: int, mode: int) -> None:
    """To one user and, as far as `mode` allows, the processor's group."""
    if os.geteuid() == 0:
        os.chown(path, owner, PROCESSOR)
    path.chmod(mode)


def put(path: Path, text: str, owner: int, mode: int = 0o600) -> None:
    """Write a secret, whole or not at all, that nobody else can read even in between."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text)
    give(new, owner, mode)
    new.replace(path)


def main(folder: Path, queue: Path) -> None:
    """One file a secret, the database's password also in its own form; a folder to queue in."""
    for name, (owner, mode) in TOKENS.items():
        if not (folder / name).exists():
            put(folder / name, f"tx_{secrets.token_hex(24)}", owner, mode)
    if not (folder / "pgpass").exists():
        password = secrets.token_hex(24)
        put(folder / "postgres", password, 0)
        # libpq reads a password file only when it is its user's alone. Last, so that the two agree.
        line = f"postgres:5432:taximeter:taximeter:{password}\n"
        put(folder / "pgpass", line, PROCESSOR)
    # A new volume is root's, and the Collector's image has no folder to take another owner from.
    give(queue, PROCESSOR, 0o700)


if __name__ == "__main__":
    main(Path("/run/taximeter"), Path("/queue"))
