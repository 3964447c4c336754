"""Runs the demo's processes: started with a log file, waited for, and stopped in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx2

from taximeter_processor.errors import TaximeterError

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
# Settings of the user's own services must not leak into the demo's.
_FOREIGN: Final = ("OTEL_", "TAXIMETER_")


class Child:
    """One child process; entering starts it, leaving stops it with SIGTERM."""

    def __init__(
        self, name: str, arguments: Sequence[str], log: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        self._arguments = arguments
        self._environ = {**_own_environment(), **environ}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Child:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C reaches only the parent, which stops children in order.
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environ,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until_up(self, url: str) -> None:
        """Return when `url` answers 200. Raises `TaximeterError` with the log's end otherwise."""
        deadline = time.monotonic() + START_SECONDS
        with httpx2.Client(timeout=5, trust_env=False) as client:
            while not _answers(client, url):
                self.check()
                if time.monotonic() > deadline:
                    raise TaximeterError(f"the {self.name} is not up after {START_SECONDS:g} s")
                time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise `TaximeterError` with the end of the log when the process has ended."""
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            told = self.log.read_text(errors="replace").strip().splitlines()
            last = told[-1] if told else "it said nothing"
            raise TaximeterError(f"the {self.name} ended with code {code}: {last} ({self.log})")


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _own_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    local = "127.0.0.1,localhost"
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = f"{kept[name]},{local}" if kept.get(name) else local
    return kept


def _answers(client: httpx2.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx2.HTTPError:
        return False
