"""PostgreSQL crashes, or stands still, under load, for seconds or for a minute."""

from __future__ import annotations

from typing import Final

from tests.soak.load import Load
from tests.soak.outage import endure
from tests.soak.scenario import Stage, judge
from tests.soak.scrapes import Scrapes
from tests.soak.site import running_site

QUEUE_BYTES: Final = 100_000
"""Room for few of the bodies that eight senders bring."""
SHORT_SECONDS: Final = 5.0
LONG_SECONDS: Final = 60.0


def ledger_away(stage: Stage, is_frozen: bool = False) -> None:
    """Every round but the first is short, and so is the first when there are few."""
    limits = {"queue_bytes": QUEUE_BYTES}
    with (
        running_site(stage.directory, "postgresql", limits=limits) as site,
        Load(site.processor.url, stage.seed, senders=8, spans=50) as load,
        Scrapes(site.processor) as scrapes,
    ):
        server = site.postgres
        for number in range(stage.rounds):
            is_long = number == 0 and stage.rounds > 2
            seconds = LONG_SECONDS if is_long else SHORT_SECONDS
            begin, end = (server.freeze, server.thaw) if is_frozen else (server.crash, server.start)
            endure(stage, site, load, begin=begin, end=end, seconds=seconds)
            stage.done()
        load.finish()
        judge(stage, site, load)
    stage.figures |= {"longest_outage_seconds": LONG_SECONDS if stage.rounds > 2 else SHORT_SECONDS}
    stage.figures["most_queued_bytes"] = scrapes.most_queued_bytes
    stage.expect(
        0 < scrapes.most_queued_bytes <= QUEUE_BYTES,
        f"{scrapes.most_queued_bytes} bytes were queued; the limit is {QUEUE_BYTES}",
    )
    stage.expect(not scrapes.falls, f"counters fell: {scrapes.falls[:3]}")
