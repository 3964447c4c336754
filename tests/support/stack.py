"""Starts the services of a compose file as processes: a stack without a container engine."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.compose import Compose
from tests.support.mail import MailSink
from tests.support.servers import Postgres, Server


class Stack:
    """Every service, each healthy before those that wait for it begin.

    A process of the test's user stands for each container; PostgreSQL's is the user `postgres`,
    which must be able to enter `root`.
    """

    def __init__(self, file: Path, root: Path) -> None:
        self.mail = MailSink()
        port = int(self.mail.address.rpartition(":")[2])
        self.compose = Compose(file, root, {("mail", 1025): port})
        self.said: dict[str, str] = {}
        """What services printed that have ended."""
        self._root = root
        self._running: list[Server] = []

    def up(self) -> None:
        """Start all."""
        for name in self.compose.order():
            if name == "postgres":
                self._start_postgres()
            elif self.compose.ends(name):
                self.said[name] = self.run(name)
            elif name != "mail":
                self._running.append(_Service(self.compose, name, self._root / "logs"))
                self._running[-1].start()

    def down(self) -> None:
        """Stop all, the last one first."""
        for server in reversed(self._running):
            server.stop()
        self.mail.stop()

    def url(self, name: str, port: int) -> str:
        """The address of a port that a service publishes."""
        here = self.compose.port(name, port)
        assert here in self.compose.published(name), f"{name} does not publish {port}"
        return f"http://127.0.0.1:{here}"

    def run(self, name: str, *instead: str) -> str:
        """What the service's command prints, or another command in its place.

        Raises `AssertionError` with the output when it fails.
        """
        done = subprocess.run(
            self.compose.command(name, *instead),
            env={**os.environ, **self.compose.environment(name)},
            cwd=self.compose.folder(name),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{name} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def _start_postgres(self) -> None:
        """As its image does: a user with a password, a database, and nobody without a password."""
        wanted = self.compose.environment("postgres")
        data = self.compose.path("postgres", "/var/lib/postgresql/data")
        server = Postgres(data)
        server.port = self.compose.port("postgres", 5432)
        self._running.append(server)
        server.start()
        password = Path(wanted["POSTGRES_PASSWORD_FILE"]).read_text()
        user = wanted["POSTGRES_USER"]
        server.execute("postgres", f"alter role {user} password '{password}'")
        server.execute("postgres", f"create database {wanted['POSTGRES_DB']} owner {user}")
        rules = data / "data" / "pg_hba.conf"
        rules.write_text("host all all all scram-sha-256\n")
        server.execute("postgres", "select pg_reload_conf()")
        check = self.compose.health("postgres")
        subprocess.run(check, env={**os.environ, **wanted}, check=True, capture_output=True)


class _Service(Server):
    """One service's process; up when its health check says so and what it publishes answers."""

    def __init__(self, compose: Compose, name: str, logs: Path) -> None:
        super().__init__(logs, name)
        self._compose = compose
        self._service = name

    def command(self) -> Sequence[str]:
        return self._compose.command(self._service)

    def popen_options(self) -> Mapping[str, Any]:
        return {
            "env": {**os.environ, **self._compose.environment(self._service)},
            "cwd": self._compose.folder(self._service),
        }

    def check(self) -> None:
        for port in self._compose.published(self._service):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        if command := self._compose.health(self._service):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise OSError(done.stderr)
