"""Real certificates, made by openssl: an authority, and whom it signs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.support.servers import program


class Pair(NamedTuple):
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates for 127.0.0.1 and localhost."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self.pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
        _openssl(
            *("req", "-x509", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *_new_key(self.pair),
            *("-out", str(self.pair.certificate)),
        )

    def sign(self, name: str) -> Pair:
        """A certificate of its own, for a server or a client."""
        pair = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        _openssl(
            *("req", "-x509", "-days", "2", "-subj", f"/CN={name}"),
            *("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key)),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *_new_key(pair),
            *("-out", str(pair.certificate)),
        )
        return pair


def _new_key(pair: Pair) -> tuple[str, ...]:
    return (
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"),
        *("-keyout", str(pair.key)),
    )


def _openssl(*arguments: str) -> None:
    ran = subprocess.run(
        [program("openssl"), *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
