"""Asks Alertmanager how many notifications it delivered, and how many it could not."""

from __future__ import annotations

from typing import Final, NamedTuple

import httpx2
from prometheus_client.parser import text_string_to_metric_families

TIMEOUT_SECONDS: Final = 2.0
MOST_BYTES: Final = 4 << 20
_SENT: Final = "alertmanager_notifications_total"
_FAILED: Final = "alertmanager_notifications_failed_total"


class Notified(NamedTuple):
    """Notifications since Alertmanager was started."""

    delivered: int
    failed: int


class NotTold(Exception):
    """Alertmanager did not say; the text says why."""


def notified(alertmanager_url: str) -> Notified:
    """What Alertmanager counted. Raises `NotTold` when it does not answer within 2 s."""
    url = f"{alertmanager_url.rstrip('/')}/metrics"
    try:
        with httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            text = _limited(client, url)
        sums = dict.fromkeys((_SENT, _FAILED), 0)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in sums:
                    sums[sample.name] += int(sample.value)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NotTold(f"no answer from {url}: {error}") from error
    except ValueError as error:
        raise NotTold(f"{url} answered what is no metrics: {error}") from error
    return Notified(sums[_SENT] - sums[_FAILED], sums[_FAILED])


def _limited(client: httpx2.Client, url: str) -> str:
    """The body of a 200 answer, of at most `MOST_BYTES`."""
    body = b""
    with client.stream("GET", url) as response:
        response.raise_for_status()
        for part in response.iter_bytes():
            body += part
            if len(body) > MOST_BYTES:
                raise ValueError(f"more than {MOST_BYTES:,} bytes")
    return body.decode()
