"""A real Alertmanager says what became of an alert; one that does not answer is not believed."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from taximeter_processor.reports.notified import Notified, NotTold, notified
from tests.support.servers import Alertmanager, Webhook, free_port, wait_for


def routed_to(url: str) -> str:
    return yaml.safe_dump(
        {
            "route": {"receiver": "owner", "group_wait": "0s"},
            "receivers": [{"name": "owner", "webhook_configs": [{"url": url}]}],
        }
    )


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.stop()


def fire(alertmanager: Alertmanager) -> None:
    request = urllib.request.Request(
        f"{alertmanager.url}/api/v2/alerts",
        json.dumps([{"labels": {"alertname": "Test", "owner": "alice"}}]).encode(),
        {"content-type": "application/json"},
    )
    urllib.request.urlopen(request).close()


def test_an_alert_that_reached_its_owner_is_counted(tmp_path: Path, webhook: Webhook) -> None:
    alertmanager = Alertmanager(tmp_path, routed_to(webhook.url))
    alertmanager.start()
    assert notified(alertmanager.url) == Notified(0, 0)
    fire(alertmanager)
    told = wait_for("the delivery", lambda: sum(notified(f"{alertmanager.url}/")) and True)
    assert told
    assert notified(alertmanager.url) == Notified(1, 0)
    assert len(webhook.received) == 1
    alertmanager.stop()


def test_an_alertmanager_that_is_not_there_is_not_believed() -> None:
    with pytest.raises(NotTold, match="no answer from"):
        notified(f"http://127.0.0.1:{free_port()}")


def test_another_server_is_no_alertmanager(webhook: Webhook) -> None:
    with pytest.raises(NotTold, match="no answer from .*501"):
        notified(webhook.url)


@pytest.mark.parametrize("url", ["nonsense", "http://[", "ftp://x"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(NotTold, match="no answer from"):
        notified(url)
