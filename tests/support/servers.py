"""Real servers for tests: started on free ports, waited for, killed or stopped."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.support.loopback import Loopback, Silent

START_SECONDS = 60.0


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str, timeout: float = 10.0) -> str:
    """The body of a 2xx answer. Raises `OSError` otherwise."""
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return str(response.read().decode())


def get_json(url: str) -> Any:
    """The JSON body of a 2xx answer."""
    return json.loads(get(url))


def wait_for(what: str, condition: Callable[[], Any], seconds: float = START_SECONDS) -> Any:
    """The first truthy answer of `condition`; errors of a server not yet there are waited out."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            if last := condition():
                return last
        except (OSError, ValueError) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds:g} s; last seen: {last!r}")


class Server:
    """One process with a log file; subclasses say how to start it and when it is up."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.log = directory / f"{name}.log"
        self.port = free_port()
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    def command(self) -> Sequence[str]:
        """The command line."""
        raise NotImplementedError

    def ready_url(self) -> str:
        """Answers 2xx once the server is up."""
        raise NotImplementedError

    def popen_options(self) -> Mapping[str, Any]:
        """How the process is started."""
        return {}

    def check(self) -> None:
        """Raises `OSError` until the server is up."""
        get(self.ready_url())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it is up."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                **self.popen_options(),
            )
        wait_for(f"start of {self._name}", self._is_up)

    def memory_bytes(self, *, peak: bool = False) -> int:
        """Resident memory now, or the most there ever was."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = re.findall(rf"^Vm{'HWM' if peak else 'RSS'}:\s+(\d+) kB$", status, re.MULTILINE)
        return int(line) * 1024

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self, signal_number: int, seconds: float) -> int:
        """Send the signal and wait for the end; the exit status. Raises `TimeoutExpired`."""
        assert self._process is not None
        self._process.send_signal(signal_number)
        return self._process.wait(seconds)

    def stop(self) -> None:
        """SIGTERM, then wait for the end. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"{self._name} ended:\n{self.log.read_text()[-2000:]}")
        self.check()
        return True


class Processor(Server):
    """`taximeter serve` with a configuration of its own."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        super().__init__(directory, "processor")
        self.config = directory / "taximeter.yaml"
        self.ledger = directory / "ledger.duckdb"
        self.environment: dict[str, str] = {}
        """Variables it is started with, besides those of the tests."""
        content = {
            "ledger": str(self.ledger),
            "listen": f"127.0.0.1:{self.port}",
            "birth_hold_seconds": 0,
            "gauge_cache_seconds": 0,
            **settings,
        }
        self.config.write_text(yaml.safe_dump(content))

    def command(self) -> Sequence[str]:
        return taximeter("serve", "--config", str(self.config))

    def popen_options(self) -> Mapping[str, Any]:
        return {"env": {**os.environ, **self.environment}}

    def ready_url(self) -> str:
        return f"{self.url}/readyz"

    def api(self, path: str, **parameters: str) -> Any:
        """The JSON answer of one read."""
        return get_json(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")


class Prometheus(Server):
    """Debian's Prometheus with a configuration and rule files."""

    def __init__(self, directory: Path, config: Mapping[str, Any]) -> None:
        super().__init__(directory, "prometheus")
        (directory / "prometheus.yml").write_text(yaml.safe_dump(dict(config)))

    def command(self) -> Sequence[str]:
        return [
            program("prometheus"),
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'tsdb'}",
            "--rules.alert.resend-delay=2s",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def ready_url(self) -> str:
        return f"{self.url}/-/ready"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector of an expression; fails on an evaluation error."""
        query = urllib.parse.urlencode({"query": expression})
        try:
            answer = get_json(f"{self.url}/api/v1/query?{query}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, expression: str) -> float | None:
        """The single value of an expression, or None when it selects nothing."""
        result = self.query(expression)
        assert len(result) <= 1, f"{expression} gave {len(result)} series"
        return float(result[0]["value"][1]) if result else None


class Alertmanager(Server):
    """Debian's Alertmanager with a configuration file."""

    def __init__(self, directory: Path, config: str) -> None:
        super().__init__(directory, "alertmanager")
        (directory / "alertmanager.yml").write_text(config)

    def command(self) -> Sequence[str]:
        return [
            program("prometheus-alertmanager"),
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]

    def ready_url(self) -> str:
        return f"{self.url}/-/ready"


class Redis(Server):
    """Debian's Redis, in memory only."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "redis")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
        return [program("redis-server"), *where, "--save", ""]

    def check(self) -> None:
        socket.create_connection(("127.0.0.1", self.port), timeout=1).close()


class Postgres(Server):
    """Debian's PostgreSQL with an empty cluster of its own, which a crash of the machine may lose.

    Root may not run it, so that root runs it as the user `postgres`.
    """

    def __init__(self, directory: Path, **settings: object) -> None:
        super().__init__(directory, "postgres")
        self._data = directory / "data"
        self._settings = {
            "fsync": "off",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 60,
            **settings,
        }
        self._as_user: dict[str, Any] = {}
        self._databases = itertools.count()
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
            self._as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        subprocess.run(
            [
                postgres_program("initdb"),
                "-D",
                str(self._data),
                "-A",
                "trust",
                "-U",
                "taximeter",
                "-N",
            ],
            check=True,
            capture_output=True,
            cwd=directory,
            **self._as_user,
        )

    def popen_options(self) -> Mapping[str, Any]:
        return {"cwd": self.directory, **self._as_user}

    def command(self) -> Sequence[str]:
        settings = {**self._settings, "port": self.port}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [postgres_program("postgres"), "-D", str(self._data), *options]

    def check(self) -> None:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            raise OSError(str(error)) from error

    def url_of(self, database: str, user: str = "taximeter") -> str:
        """The address of one database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"test{next(self._databases)}"
        self.execute("postgres", f"create database {name}")
        return self.url_of(name)

    def execute(self, database: str, sql: str, user: str = "taximeter") -> list[Any]:
        """The rows of a statement by the owner of everything, committed."""
        with psycopg.connect(self.url_of(database, user), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def crash(self) -> None:
        """End without a checkpoint, as at a loss of power: every connection is cut."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)

    def freeze(self) -> None:
        """Stand still, with every process: connections stay open, and nothing answers."""
        for pid in (self.pid, *self._children()):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        for pid in (*self._children(), self.pid):
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """kill -9 of the server and of every process it has started."""
        children = self._children()
        super().kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        # They share memory that a new server must not find in use.
        wait_for("the end of PostgreSQL's processes", lambda: not any(map(_is_running, children)))

    def _children(self) -> list[int]:
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def stop(self) -> None:
        """Cut every connection, then end in order. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            # One that stands still hears nothing.
            self.thaw()
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)


class Webhook(Loopback):
    """Stands in for the pager: keeps every JSON body that is posted to it, by path."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        received = self.received

        class Handler(Silent):
            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", 0))
                received.append((self.path, json.loads(self.rfile.read(size))))
                self.send_response(200)
                self.end_headers()

        super().__init__(Handler)


def _is_running(pid: int) -> bool:
    """Whether a process is there and not a dead one that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def program(name: str) -> str:
    """The path of an installed program; fails with how to get it."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: run scripts/install-servers as root"
    return found


def postgres_program(name: str) -> str:
    """The path of a program of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [Path(program(name))]
    return str(found[-1])


def taximeter(*arguments: str) -> list[str]:
    """The command line of `taximeter` in this environment."""
    return [sys.executable, "-m", "taximeter", *arguments]


def run_taximeter(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, output captured as text."""
    return subprocess.run(
        taximeter(*arguments),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environ},
    )
