"""No page of another server reads this one or posts to it, whatever name it is reached by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.raw_http import request
from tests.support.servers import Processor

FORM = {"content-type": "application/x-www-form-urlencoded"}
THEME = b"theme=dark&back=/"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """On this machine only, as a proxy's `costs.example` too."""
    server = Processor(
        tmp_path_factory.mktemp("guard"), public_url="https://costs.example", allowed_hosts=["lan"]
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """On every address, with a token, and no name configured."""
    directory = tmp_path_factory.mktemp("public")
    token = {"name": "people", "scopes": ["read"], "value": "read-token-0123456789ab"}
    server = Processor(directory, tokens=[token])
    text = server.config.read_text().replace("127.0.0.1", "0.0.0.0")
    server.config.write_text(text)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("path", ["/", "/requests", "/login", "/metrics", "/api/v1/status"])
def test_a_name_rebound_to_this_machine_is_not_served(local: Processor, path: str) -> None:
    answer = request(local.port, "GET", path, headers={"host": "rebound.example"})
    assert answer.status == 421
    assert "allowed_hosts" in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LAN", "costs.example"])
def test_its_own_names_are_served(local: Processor, host: str) -> None:
    assert request(local.port, "GET", "/status", headers={"host": host}).status == 200


def post(server: Processor, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(server.port, "POST", "/theme", THEME, {**FORM, **named}).status


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://[", "http://127.0.0.1.evil.example"]
)
def test_a_form_of_another_site_is_refused(local: Processor, origin: str) -> None:
    assert post(local, origin=origin) == 403


def test_a_form_of_another_server_on_this_machine_is_refused(local: Processor) -> None:
    assert post(local, origin="http://127.0.0.1:1") == 403
    assert post(local, origin="http://localhost:3000") == 403


def test_its_own_forms_are_taken_behind_a_proxy_too(local: Processor) -> None:
    assert post(local, origin=local.url) == 303
    assert post(local, origin="https://costs.example") == 303


def test_a_cookie_set_over_an_encrypted_connection_is_sent_over_no_other(local: Processor) -> None:
    def cookie(origin: str) -> str:
        answer = request(local.port, "POST", "/theme", THEME, {**FORM, "origin": origin})
        return answer.headers["set-cookie"].lower()

    assert "; secure" in cookie("https://costs.example")
    assert "; secure" not in cookie(local.url)


def test_a_browser_that_says_the_form_is_foreign_is_believed(local: Processor) -> None:
    assert post(local, sec_fetch_site="cross-site") == 403
    assert post(local, sec_fetch_site="same-site") == 403
    assert post(local, sec_fetch_site="same-origin") == 303


def test_a_link_from_another_site_leads_here(local: Processor) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert request(local.port, "GET", "/status", headers=headers).status == 200


def test_a_public_address_refuses_forms_of_other_sites_too(public: Processor) -> None:
    assert post(public, host="costs.example", origin="https://evil.example") == 403
    assert post(public, host="costs.example", origin="https://costs.example") == 303
