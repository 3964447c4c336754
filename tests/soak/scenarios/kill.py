"""kill -9 under load: of the processor, of the Collector, of the database server."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from tests.soak.load import Load
from tests.soak.scenario import Stage, judge
from tests.soak.scrapes import Scrapes, counted_pico
from tests.soak.site import Engine, Site, running_collector, running_site
from tests.support.collector import Collector
from tests.support.servers import Server, wait_for

Victim = Callable[[Site, Collector], Server]


def kill(stage: Stage, engine: Engine, victim: Victim) -> None:
    """Kill the victim at a random moment of work, `stage.rounds` times; then judge."""
    with (
        running_site(stage.directory, engine) as site,
        running_collector(site) as collector,
        Load(collector.url, stage.seed) as load,
        Scrapes(site.processor) as scrapes,
    ):
        server = victim(site, collector)
        for _ in range(stage.rounds):
            _wait_for_work(site, load)
            time.sleep(stage.draw.uniform(0, 0.6))
            server.kill()
            time.sleep(stage.draw.uniform(0, 0.3))
            server.start()
            stage.done()
        _wait_for_work(site, load)
        load.finish()
        judge(stage, site, load)
    stage.figures["kills"] = stage.rounds
    stage.figures["scrapes"] = scrapes.count
    stage.expect(not scrapes.falls, f"counters fell: {scrapes.falls[:3]}")


def _wait_for_work(site: Site, load: Load) -> None:
    """Until more is acknowledged and more is committed than now: the harm must meet work."""
    acknowledged = len(load.acknowledged)
    wait_for("an acknowledgement", lambda: len(load.acknowledged) > acknowledged, 120)
    counted = wait_for("a scrape", lambda: counted_pico(site.processor) + 1, 120) - 1
    wait_for("a commit", lambda: counted_pico(site.processor) > counted, 120)


kill_processor = partial(kill, victim=lambda site, _: site.processor)
kill_collector = partial(kill, victim=lambda _, collector: collector)
kill_database = partial(kill, engine="postgresql", victim=lambda site, _: site.postgres)
