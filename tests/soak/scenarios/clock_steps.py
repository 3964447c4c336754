"""The clock of the processor's host jumps an hour back and forth under load."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Final

from tests.soak.load import Load
from tests.soak.scenario import Stage, judge
from tests.soak.scrapes import Scrapes
from tests.soak.site import running_site
from tests.support.servers import get, wait_for

STEPS_SECONDS: Final = (-3700, 0, 3700, 0)
"""More than the hour by which a call may be ahead, and after which it is old."""
HOLD_SECONDS: Final = 3.0


def clock_steps(stage: Stage) -> None:
    """A step for each round; calls of a new feature begin just before it, and of another after."""
    offset = stage.directory / "offset"
    offset.write_text("+0s")
    environment = {
        "LD_PRELOAD": str(_library()),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        # As on a real host, where a step leaves it alone.
        "DONT_FAKE_MONOTONIC": "1",
    }
    with (
        running_site(
            stage.directory, environment=environment, birth_hold_seconds=HOLD_SECONDS
        ) as site,
        Load(site.processor.url, stage.seed) as load,
        Scrapes(site.processor, HOLD_SECONDS) as scrapes,
    ):
        for number, step in zip(range(stage.rounds), itertools.cycle(STEPS_SECONDS), strict=False):
            load.features = (f"before-{number}",)
            time.sleep(1)
            offset.write_text(f"{step:+d}s")
            load.features = (f"after-{number}",)
            time.sleep(HOLD_SECONDS + 1)
            stage.done()
        offset.write_text("+0s")
        load.finish()
        wait_for("the end of the hold", lambda: _held_usd(site.processor.url) == 0)
        judge(stage, site, load)
    stage.expect(scrapes.count > stage.rounds, "hardly a scrape was answered")
    stage.expect(not scrapes.falls, f"counters fell: {scrapes.falls[:3]}")
    stage.figures["births"] = scrapes.births
    stage.expect(scrapes.births > stage.rounds, "hardly a birth was seen in time")
    stage.expect(not scrapes.unheld, f"births were not held: {scrapes.unheld[:3]}")


def _library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "libfaketime is not installed: run scripts/install-servers as root"
    return found[0]


def _held_usd(url: str) -> float:
    lines = get(f"{url}/metrics").splitlines()
    (held,) = (line for line in lines if line.startswith("taximeter_counter_held_usd "))
    return float(held.split()[1])
