"""Every soak scenario in its short form: nothing lost, nothing twice, counters and ledger agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.scenario import Stage
from tests.soak.scenarios import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_lost_and_nothing_is_twice(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    stage = Stage(tmp_path, scenario.short, seed=1)
    scenario.run(stage)
    assert stage.failures == [], stage.figures
