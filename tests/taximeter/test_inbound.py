"""Who is believed when a request names its tags."""

from __future__ import annotations

import pytest

from taximeter.inbound import Inbound
from tests.taximeter.tagged import TRUSTED, now

HEADERS = [(b"x-taximeter-feature", b"search")]


def found(inbound: Inbound, address: object) -> dict[str, str]:
    block = inbound.block(address, HEADERS)
    if block is None:
        return {}
    with block:
        return now()


def test_nobody_is_believed_by_default() -> None:
    assert found(Inbound(), "127.0.0.1") == {}


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"])
def test_a_trusted_peer_is_believed(peer: str) -> None:
    assert found(Inbound(trusted_peers=TRUSTED), peer) == {"feature": "search"}


@pytest.mark.parametrize("peer", ["11.0.0.1", "::1", "testclient", "10.0.0.1:80", "", None, 7])
def test_any_other_peer_is_not(peer: object) -> None:
    assert found(Inbound(trusted_peers=TRUSTED), peer) == {}


def test_everybody_is_believed_when_inbound_is_trusted() -> None:
    assert found(Inbound(trust_inbound=True), None) == {"feature": "search"}


def test_trusted_peers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIMETER_TRUSTED_PEERS", "192.0.2.1")
    assert found(Inbound(), "192.0.2.1") == {"feature": "search"}


def test_a_trusted_request_without_tags_needs_no_block() -> None:
    assert Inbound(trust_inbound=True).block(None, [(b"accept", b"*/*")]) is None
