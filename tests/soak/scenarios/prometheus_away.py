"""Prometheus is away for a while: what it says of the increase is still what was spent."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from taximeter_processor.money import PICO_PER_USD
from tests.soak.load import CALL_PICO, Load
from tests.soak.scenario import Stage, judge
from tests.soak.site import running_site
from tests.support.servers import Processor, Prometheus, wait_for

HOLD_SECONDS: Final = 12.0
GAP_SECONDS: Final = 4.0
"""Prometheus' start and a scrape come on top: all of it must be within the hold."""


def prometheus_away(stage: Stage) -> None:
    """Kill it as calls go on, of features it knows and of one that is new; start it again."""
    with (
        running_site(stage.directory, birth_hold_seconds=HOLD_SECONDS) as site,
        Load(site.processor.url, stage.seed) as load,
    ):
        prometheus = _prometheus(stage.directory, site.processor)
        prometheus.start()
        try:
            for number in range(stage.rounds):
                _wait_for_a_scrape(prometheus)
                prometheus.kill()
                load.features = (*load.features, f"born-unseen-{number}")
                time.sleep(GAP_SECONDS)
                prometheus.start()
                _wait_for_a_scrape(prometheus)
                stage.done()
            load.finish()
            time.sleep(HOLD_SECONDS + 3)
            expected = len(load.acknowledged) * CALL_PICO
            rise, falls = _rise(prometheus)
            said = prometheus.value("sum(increase(taximeter_cost_usd_total[1h]))")
        finally:
            prometheus.stop()
        judge(stage, site, load)
    stage.figures["rise_usd"], stage.figures["increase_usd"] = str(rise), said
    stage.expect(falls == 0, f"{falls} samples were lower than the one before")
    stage.expect(
        abs(rise * PICO_PER_USD - expected) < CALL_PICO // 1000,
        f"the samples rise by ${rise}, ${Decimal(expected) / PICO_PER_USD} was spent",
    )
    # `increase` extends what it saw by up to half a scrape's distance at either end.
    spent = expected / PICO_PER_USD
    stage.expect(
        said is not None and abs(said / spent - 1) < 0.05,
        f"increase() says ${said}, ${spent} was spent",
    )


def _prometheus(directory: Path, processor: Processor) -> Prometheus:
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "taximeter",
                "static_configs": [{"targets": [f"127.0.0.1:{processor.port}"]}],
            }
        ],
    }
    return Prometheus(directory / "prometheus", config)


def _wait_for_a_scrape(prometheus: Prometheus) -> None:
    began = time.time()
    newest = "max(timestamp(taximeter_cost_usd_total))"
    wait_for("a scrape", lambda: (prometheus.value(newest) or 0) > began)


def _rise(prometheus: Prometheus) -> tuple[Decimal, int]:
    """What the samples rise by in all, as `increase` adds it up, and how often one was lower."""
    rise, falls = Decimal(0), 0
    series: list[dict[str, Any]] = prometheus.query("taximeter_cost_usd_total[1h]")
    for one in series:
        values = [Decimal(text) for _, text in one["values"]]
        for before, after in zip(values, values[1:], strict=False):
            falls += after < before
            rise += after - before if after >= before else after
    return rise, falls
