"""TLS on a real server with real certificates: who is let in, and what a wrong file says."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.errors import ConfigError
from taximeter_processor.settings import load
from tests.support.certificates import Authority
from tests.support.otlp import proto_span, protobuf
from tests.support.secured import TOKENS, Secured
from tests.support.servers import Processor, run_taximeter, wait_for


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Secured]:
    server = Secured(
        tmp_path_factory.mktemp("tls"), authority.sign("server"), authority.pair.certificate
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Secured]:
    """Lets in whom the authority signed, and nobody else."""
    trusted = authority.pair.certificate
    server = Secured(
        tmp_path_factory.mktemp("mutual"),
        authority.sign("mutual"),
        trusted,
        client_ca=str(trusted),
    )
    server.start()
    yield server
    server.stop()


def test_spans_and_reads_go_over_tls(secured: Secured) -> None:
    assert secured.request("POST", "/v1/traces", protobuf(proto_span(1))) == 200
    assert secured.request("GET", "/api/v1/costs") == 200


def test_a_client_that_does_not_trust_the_authority_is_not_served(
    secured: Secured, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    secured_by_stranger = ssl.create_default_context(cafile=stranger.pair.certificate)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", secured.port, timeout=20, context=secured_by_stranger
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/healthz")


def test_plain_http_gets_no_answer(secured: Secured) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", secured.port, timeout=20)
    connection.request("GET", "/healthz")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()


def test_the_command_line_asks_over_tls(secured: Secured) -> None:
    ran = run_taximeter("status", "--json", "--config", str(secured.config))
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_command_line_trusts_the_configured_certificate_alone(
    secured: Secured, authority: Authority, tmp_path: Path
) -> None:
    other = authority.sign("other")
    config = tmp_path / "taximeter.yaml"
    text = secured.config.read_text()
    for mine, theirs in (("server.pem", other.certificate), ("server.key", other.key)):
        text = text.replace(str(theirs.parent / mine), str(theirs))
    config.write_text(text)
    ran = run_taximeter("status", "--config", str(config))
    assert ran.returncode == 2
    assert "certificate verify failed" in ran.stderr


def test_with_a_client_authority_only_whom_it_signed_is_let_in(
    mutual: Secured, authority: Authority, tmp_path: Path
) -> None:
    signed, stranger = authority.sign("client"), Authority(tmp_path, "stranger").sign("client")
    assert mutual.request("GET", "/healthz", client=signed) == 200
    for client in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            mutual.request("GET", "/healthz", client=client)


def test_the_command_line_shows_its_own_certificate(mutual: Secured, authority: Authority) -> None:
    client = authority.sign("command")
    command = ("status", "--config", str(mutual.config))
    assert run_taximeter(*command).returncode == 2
    environ = {
        "TAXIMETER_CLIENT_CERTIFICATE": str(client.certificate),
        "TAXIMETER_CLIENT_KEY": str(client.key),
    }
    ran = run_taximeter(*command, **environ)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"key": "other.key"}, "are no certificate with its key"),
        ({"certificate": "absent.pem"}, "No such file"),
        ({"certificate": "server.key"}, "are no certificate with its key"),
        ({"client_ca": "server.key"}, "holds no certificates"),
        ({"client_ca": "absent.pem"}, "holds no certificates: No such file"),
    ],
)
def test_a_wrong_file_is_told_before_anything_is_served(
    authority: Authority, tmp_path: Path, changed: dict[str, str], expected: str
) -> None:
    server = authority.sign("server-of-errors")
    authority.sign("other")
    directory = server.key.parent
    (directory / "server.key").write_bytes(server.key.read_bytes())
    files = {"certificate": str(server.certificate), "key": str(server.key)}
    files |= {name: str(directory / file) for name, file in changed.items()}
    config = tmp_path / "taximeter.yaml"
    config.write_text(f"tls: {files}")
    with pytest.raises(ConfigError, match="expected PEM") as caught:
        load(config, environ={})
    assert expected in str(caught.value)


@pytest.mark.parametrize("is_secured", [True, False])
def test_a_public_address_without_tls_is_warned_of_once(
    authority: Authority, tmp_path: Path, is_secured: bool
) -> None:
    pair = authority.sign("public")
    tls = {"tls": {"certificate": str(pair.certificate), "key": str(pair.key)}}
    server = Processor(tmp_path, tokens=TOKENS, **(tls if is_secured else {}))
    text = server.config.read_text().replace("127.0.0.1:", "0.0.0.0:")
    server.config.write_text(text)
    server.check = lambda: None  # type: ignore[method-assign]
    server.start()
    wait_for("the start", lambda: "Uvicorn running" in server.log.read_text())
    server.stop()
    warned = server.log.read_text().count("is served without TLS")
    assert warned == (0 if is_secured else 1)
