"""Makes the stack's secrets where there are none yet; they outlive restarts in their volume."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

PROCESSOR, PROMETHEUS, GRAFANA = 10001, 65534, 472
"""The users of the containers; the Collector runs as the processor's."""


def put(path: Path, text: str, owner: int, mode: int = 0o640) -> None:
    """Write a secret for one user and, unless `mode` says otherwise, the processor's group."""
    path.touch(mode=0o600)
    path.write_text(text)
    if os.geteuid() == 0:
        os.chown(path, owner, PROCESSOR)
    path.chmod(mode)


def main(folder: Path) -> None:
    """One file a secret; the database's password also in PostgreSQL's own form."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "pgpass").exists():
        return
    for name, owner in (("ingest", PROCESSOR), ("read", PROMETHEUS), ("grafana", GRAFANA)):
        put(folder / name, f"tx_{secrets.token_hex(24)}", owner)
    password = secrets.token_hex(24)
    put(folder / "postgres", password, 0)
    # libpq reads a password file only when it is its user's alone. Written last: it ends the work.
    put(folder / "pgpass", f"postgres:5432:taximeter:taximeter:{password}\n", PROCESSOR, 0o600)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/run/taximeter"))
