"""SIGTERM under load: what was acknowledged is committed, and the other way round."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import Final

from tests.soak.load import Load
from tests.soak.scenario import Stage, judge
from tests.soak.site import Engine, running_site
from tests.support.servers import wait_for

MOST_SECONDS: Final = 30.0
"""What `terminationGracePeriodSeconds` and systemd allow at the least."""
ANSWER_SECONDS: Final = 10.0


def shutdown(stage: Stage, engine: Engine) -> None:
    """Stop the processor at a random moment of work, compare, start it again."""
    slowest = 0.0
    with (
        running_site(stage.directory, engine) as site,
        Load(site.processor.url, stage.seed, senders=6, pause_seconds=0.01) as load,
    ):
        for _ in range(stage.rounds):
            acknowledged = len(load.acknowledged)
            wait_for("work", lambda: len(load.acknowledged) > acknowledged)  # noqa: B023
            time.sleep(stage.draw.uniform(0, 0.5))
            started = time.monotonic()
            status = site.processor.end(signal.SIGTERM, MOST_SECONDS)
            slowest = max(slowest, time.monotonic() - started)
            stage.expect(status in (0, -signal.SIGTERM), f"it ended with {status}")
            stored = site.stored_ids().keys()
            # An answer takes a moment to be read and noted.
            with contextlib.suppress(AssertionError):
                wait_for("answers", lambda: stored <= load.acknowledged, ANSWER_SECONDS)  # noqa: B023
            answered = set(load.acknowledged)
            stage.expect(answered <= stored, f"{len(answered - stored)} acknowledged, not stored")
            stage.expect(stored <= answered, f"{len(stored - answered)} stored, not acknowledged")
            site.processor.start()
            stage.done()
        load.finish()
        judge(stage, site, load)
    stage.figures["slowest_stop_seconds"] = round(slowest, 1)
