"""A place for a ledger that can be filled to the last byte and emptied again."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Where a service keeps its ledger."""

    path: Path
    how: str
    """How it is made full."""

    def fill(self, pid: int, room_bytes: int) -> None:
        """From now on so much can be written, and no more, by the service `pid` at least."""
        ...

    def free(self, pid: int) -> None:
        """There is room again."""
        ...


class RealDisk:
    """A small file system in memory, full of a filler."""

    how = "tmpfs"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, pid: int, room_bytes: int) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"\0" * (1 << 16))
            filler.truncate(max(0, filler.tell() - room_bytes))

    def free(self, pid: int) -> None:
        self._filler.unlink(missing_ok=True)


class LimitedProcess:
    """For who may mount nothing: no file of the process may grow, and its writes fail likewise."""

    how = "RLIMIT_FSIZE"

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, pid: int, room_bytes: int) -> None:
        largest = max(file.stat().st_size for file in self.path.iterdir())
        self._limit(pid, largest + room_bytes)

    def free(self, pid: int) -> None:
        self._limit(pid, resource.RLIM_INFINITY)

    def _limit(self, pid: int, size_bytes: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, hard))


@contextlib.contextmanager
def small_disk(path: Path, size_mb: int) -> Iterator[Disk]:
    """A file system of this size if one may be mounted here, else a limit on the process."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(path)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        yield LimitedProcess(path)
        return
    try:
        yield RealDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
