"""Every scenario by name: one line for each, with its rounds in `make test` and in `make soak`."""

from __future__ import annotations

from functools import partial
from typing import Final

from tests.soak.scenario import Scenario
from tests.soak.scenarios.clock_steps import clock_steps
from tests.soak.scenarios.disk_full import disk_full
from tests.soak.scenarios.kill import kill_collector, kill_database, kill_processor
from tests.soak.scenarios.ledger_away import ledger_away
from tests.soak.scenarios.prometheus_away import prometheus_away
from tests.soak.scenarios.random_bodies import random_bodies
from tests.soak.scenarios.shutdown import shutdown

SCENARIOS: Final[dict[str, Scenario]] = {
    "kill-processor-duckdb": Scenario(partial(kill_processor, engine="duckdb"), 2, 50),
    "kill-processor-postgresql": Scenario(partial(kill_processor, engine="postgresql"), 2, 50),
    "kill-collector-duckdb": Scenario(partial(kill_collector, engine="duckdb"), 2, 50),
    "kill-collector-postgresql": Scenario(partial(kill_collector, engine="postgresql"), 2, 50),
    "kill-database-postgresql": Scenario(kill_database, 2, 50),
    "disk-full-duckdb": Scenario(disk_full, 2, 20),
    "ledger-away-postgresql": Scenario(ledger_away, 1, 20),
    "ledger-frozen-postgresql": Scenario(partial(ledger_away, is_frozen=True), 1, 10),
    "shutdown-duckdb": Scenario(partial(shutdown, engine="duckdb"), 2, 50),
    "shutdown-postgresql": Scenario(partial(shutdown, engine="postgresql"), 2, 50),
    "prometheus-away": Scenario(prometheus_away, 1, 10),
    "random-bodies": Scenario(random_bodies, 1, 100),
    "clock-steps": Scenario(clock_steps, 3, 40),
}
