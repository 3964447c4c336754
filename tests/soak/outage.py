"""A ledger that takes no commits for a while: told to senders and probes, and got over."""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Callable

from tests.soak.load import Load
from tests.soak.scenario import Stage
from tests.soak.site import Site
from tests.support.servers import Processor, get, wait_for

RECOVERY_SECONDS = 60.0


def endure(
    stage: Stage,
    site: Site,
    load: Load,
    *,
    begin: Callable[[], object],
    end: Callable[[], object],
    seconds: float,
) -> None:
    """Begin the outage, watch what is said during so many seconds of it, end it, see work go on."""
    acknowledged = len(load.acknowledged)
    wait_for("work", lambda: len(load.acknowledged) > acknowledged)
    refused = load.answers["503"]
    begin()
    wait_for("refusals", lambda: load.answers["503"] > refused + 2)
    wait_for("the end of readiness", lambda: not is_ready(site.processor))
    # What was on its way is answered by now, or gets no answer.
    time.sleep(1)
    acknowledged = len(load.acknowledged)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        stage.expect(not is_ready(site.processor), "ready while no commit went through")
        stage.expect(_says_not_ready(site.processor), "no scrape told that the ledger is away")
        time.sleep(0.5)
    stage.expect(
        len(load.acknowledged) == acknowledged, "acknowledged while no commit went through"
    )
    end()
    ended = time.monotonic()
    wait_for("readiness", lambda: is_ready(site.processor), RECOVERY_SECONDS)
    wait_for("work", lambda: len(load.acknowledged) > acknowledged, RECOVERY_SECONDS)
    took = round(time.monotonic() - ended, 1)
    stage.figures["recovery_seconds"] = max(took, stage.figures.get("recovery_seconds", 0.0))
    stage.expect(not load.hurried, f"503 without Retry-After: {load.hurried[:3]}")


def _says_not_ready(processor: Processor) -> bool:
    """What Prometheus is told, within the ten seconds it waits."""
    try:
        return "\ntaximeter_ledger_ready 0.0\n" in get(f"{processor.url}/metrics")
    except OSError:
        return False


def is_ready(processor: Processor) -> bool:
    """What a probe is told."""
    try:
        return get(f"{processor.url}/readyz", timeout=30) == "ready\n"
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return False
