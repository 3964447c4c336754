"""Reads a compose file and says what each of its services would be as a process of this machine.

Commands, variables, mounts and health checks are the file's. Translated are, in each of them and in
mounted files: a mount's path to one below a folder of the test, `NAME:PORT` and a port that is
listened on to a free port of loopback. What images bring along (their program, its default ports)
is in `IMAGES`; versions are those of this machine.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from tests.support import collector
from tests.support.servers import free_port, postgres_program, program, taximeter

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "deploy" / "Dockerfile"

FETCH: Final = "import sys, urllib.request as r; r.urlopen(sys.argv[-1], timeout=4)"
PROGRAMS: Final[Mapping[str, Callable[[], list[str]]]] = {
    "taximeter": taximeter,
    "python": lambda: [sys.executable],
    "sh": lambda: [program("sh")],
    "wget": lambda: [sys.executable, "-c", FETCH],
    "pg_isready": lambda: [postgres_program("pg_isready")],
    "prometheus": lambda: [program("prometheus")],
    "alertmanager": lambda: [program("prometheus-alertmanager")],
    "otelcol-contrib": lambda: [str(collector.program())],
}
"""What the first word of a command is on this machine."""


class Image(NamedTuple):
    """What a process gets from its image, and what one network for all of them takes besides."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    health: Sequence[str] = ()
    listens: Sequence[str] = ()
    """Arguments that say the ports it has by default."""
    ports: Mapping[str, int] = {}
    """Variables that do."""
    folder: str = ""
    """Where it works."""
    files: Mapping[str, str] = {}
    """Scripts in it that are stood in for; the service then ends at once."""


IMAGES: Final[Mapping[str, Image]] = {
    "prom/prometheus": Image(["prometheus"], listens=["--web.listen-address=0.0.0.0:9090"]),
    "prom/alertmanager": Image(
        ["alertmanager"],
        listens=["--web.listen-address=0.0.0.0:9093", "--cluster.listen-address="],
    ),
    "otel/opentelemetry-collector-contrib": Image(
        ["otelcol-contrib"], ports={"TAXIMETER_COLLECTOR_METRICS_PORT": 8888}
    ),
    "postgres": Image(ports={"PGPORT": 5432}),
    "axllent/mailpit": Image(),
    # Grafana cannot be had here: what it would be started with is printed.
    "grafana/grafana": Image(files={"/run.sh": "#!/bin/sh\nexec env\n"}),
}


class Compose:
    """One compose file, translated for this machine; all that is written goes below `root`."""

    def __init__(self, file: Path, root: Path, served: Mapping[tuple[str, int], int]) -> None:
        """Makes the volumes' folders and copies the mounted files.

        `served` are ports of services, by name and number, that are served elsewhere already.
        """
        self._root = root
        self._services: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
        self._images = {name: _image(s["image"]) for name, s in self._services.items()}
        self._ports = dict(served)
        self._paths: dict[str, dict[str, Path]] = {}
        for name in self._services:
            self._mount(name, file.parent)

    def order(self) -> Iterator[str]:
        """The services, each after those it depends on."""
        started: set[str] = set()
        while waiting := [name for name in self._services if name not in started]:
            ready = [n for n in waiting if started.issuperset(self._depends(n))]
            assert ready, f"{', '.join(waiting)} wait for each other"
            yield ready[0]
            started.add(ready[0])

    def ends(self, name: str) -> bool:
        """Others wait for its end, or it is stood in for by a script."""
        waits = (self._depends(other).get(name, {}) for other in self._services)
        awaited = any(w.get("condition") == "service_completed_successfully" for w in waits)
        return awaited or bool(self._images[name].files)

    def port(self, name: str, port: int) -> int:
        """Where a service's port is on this machine."""
        return self._ports.setdefault((name, port), free_port())

    def published(self, name: str) -> list[int]:
        """Where the ports are that people and their applications reach."""
        inside = (int(p.rpartition(":")[2]) for p in self._services[name].get("ports", ()))
        return [self.port(name, port) for port in inside]

    def command(self, name: str, *instead: str) -> list[str]:
        """Its command line, or that of another command in its place."""
        service, image = self._services[name], self._images[name]
        if instead:
            return self._on_this_machine(name, instead)
        if "entrypoint" in service:
            words = [*service["entrypoint"], *service.get("command", ())]
        else:
            words = [*image.entrypoint, *service.get("command", image.command)]
        return self._on_this_machine(name, [*words, *image.listens])

    def health(self, name: str) -> list[str]:
        """The command that ends well when the service is healthy; empty without a check."""
        kind, *words = self._services[name].get("healthcheck", {}).get("test", ["CMD"])
        assert kind == "CMD", f"{name}: {kind} is not understood"
        words = words or list(self._images[name].health)
        return self._on_this_machine(name, words) if words else []

    def folder(self, name: str) -> Path:
        """Where it works."""
        inside = self._images[name].folder
        return self._paths[name].get(inside) or self._folder("work", name)

    def environment(self, name: str) -> dict[str, str]:
        """The variables that the image and the file give it."""
        image = self._images[name]
        given = {**image.environment, **self._services[name].get("environment", {})}
        return {
            **{key: self._translated(name, _interpolated(value)) for key, value in given.items()},
            **{key: str(self.port(name, port)) for key, port in image.ports.items()},
        }

    def path(self, name: str, inside: str) -> Path:
        """Where a path below one of a service's mounts is on this machine."""
        return Path(self._translated(name, inside))

    def _depends(self, name: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = self._services[name].get("depends_on", {})
        return found

    def _mount(self, name: str, folder: Path) -> None:
        paths = self._paths[name] = {}
        texts = dict(self._images[name].files)
        for volume in self._services[name].get("volumes", ()):
            source, target = volume.split(":")[:2]
            if not source.startswith("."):
                paths[target] = self._folder("volumes", source)
            elif (folder / source).is_dir():
                paths[target] = folder / source
            else:
                texts[target] = (folder / source).read_text()
        for target in texts:
            paths[target] = self._folder("files", name) / Path(target).name
        for target, text in texts.items():
            paths[target].write_text(self._translated(name, text))
            paths[target].chmod(0o755)

    def _folder(self, *names: str) -> Path:
        folder = self._root.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        # Whatever this process lets others see by default: PostgreSQL runs as a user of its own.
        for path in (folder, *folder.parents[: len(names) - 1]):
            path.chmod(0o755)
        return folder

    def _on_this_machine(self, name: str, words: Sequence[str]) -> list[str]:
        first, *others = (self._translated(name, _interpolated(word)) for word in words)
        return [*PROGRAMS[first](), *others]

    def _translated(self, name: str, text: str) -> str:
        """A text that the service reads, with this machine's paths and ports."""
        paths = self._paths[name]
        longest_first = "|".join(map(re.escape, sorted(paths, key=len, reverse=True)))
        hosts = "|".join(map(re.escape, [*self._services, "0.0.0.0", "127.0.0.1"]))

        def replacement(match: re.Match[str]) -> str:
            path, host, port = match.groups()
            if path:
                return str(paths[path])
            return f"127.0.0.1:{self.port(host if host in self._services else name, int(port))}"

        whole_path = rf"(?<![\w./-])({longest_first or '(?!)'})(?![\w.-])"
        found = re.sub(rf"{whole_path}|\b({hosts}):(\d+)\b", replacement, text)
        return found.replace("0.0.0.0", "127.0.0.1")


def _image(name: str) -> Image:
    repository, _, tag = name.rpartition(":")
    return _built(DOCKERFILE) if tag == "local" else IMAGES[repository]


def _interpolated(value: str) -> str:
    """As compose reads it: `$$` is a dollar, and no variable of the user's is asked for."""
    assert not re.search(r"(?<!\$)\$(?!\$)", value), f"{value}: variables are not understood"
    return value.replace("$$", "$")


def _built(dockerfile: Path) -> Image:
    """The image that a Dockerfile's last stage makes, as far as a process can tell."""
    text = dockerfile.read_text().replace("\\\n", " ").rpartition("\nFROM ")[2]
    lines = dict(line.split(None, 1) for line in text.splitlines()[1:] if line.strip())
    variables = dict(word.split("=", 1) for word in shlex.split(lines["ENV"]))
    del variables["PATH"]
    health = json.loads(lines["HEALTHCHECK"].partition("CMD ")[2])
    return Image(
        json.loads(lines["ENTRYPOINT"]),
        json.loads(lines["CMD"]),
        variables,
        health,
        folder=lines["WORKDIR"],
    )
