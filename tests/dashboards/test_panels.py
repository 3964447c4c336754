"""Every query of every panel, on a real Prometheus over five weeks of the real counters."""

from __future__ import annotations

import math
import re

import pytest

from tests.dashboards.answers import BOARDS, ask, board, targets
from tests.dashboards.history import HistoryServer

ON_PROMETHEUS = [path.stem for path in sorted(BOARDS.glob("*.json")) if "calls" not in path.stem]


@pytest.mark.parametrize("uid", ON_PROMETHEUS)
def test_every_query_is_answered_with_numbers_and_the_labels_its_legend_names(
    history: HistoryServer, uid: str
) -> None:
    empty, unnamed = [], []
    for target in targets(board(uid)):
        found = ask(history, target)
        numbers = [value for series in found for _, value in series.points]
        if not any(math.isfinite(value) for value in numbers):
            empty.append((target.panel["title"], target.expr))
        for label in re.findall(r"{{(\w+)}}", target.legend):
            unnamed += [
                (target.panel["title"], label) for series in found if label not in series.labels
            ]
    assert empty == []
    assert unnamed == []
