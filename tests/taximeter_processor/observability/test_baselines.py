"""The benchmark's arrays and Prometheus agree on what is normal, too much, and an alert."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from bench.alert_history import PER_DAY, PER_HOUR, Array
from bench.alert_twin import firing
from taximeter_processor.names import COST, REQUESTS
from tests.taximeter_processor.observability.prometheus_tools import (
    Expected,
    promtool_test,
    series,
)

DAYS = 40
STEPS = DAYS * PER_DAY
ALERTS = (
    "TaximeterSpendAnomaly",
    "TaximeterSpendDrift",
    "TaximeterCostPerRequestRegression",
    "TaximeterCostPerRequestDrift",
)


def six_weeks() -> tuple[Array, Array]:
    """Dollars and requests of three features: a leak, a dearer model, and two kinds of drift."""
    random = np.random.default_rng(11)
    step = np.arange(STEPS)
    day, hour = step // PER_DAY, (step % PER_DAY) / PER_HOUR
    shape = (1 + 0.6 * np.cos((hour - 14) / 24 * 2 * np.pi)) * np.where(day % 7 >= 5, 0.4, 1.0)
    volume = np.stack([20 * shape, 60 * shape, 30 * shape])
    price = np.full((3, STEPS), 0.02)
    volume[0, 30 * PER_DAY + 100 : 30 * PER_DAY + 190] *= 3
    price[1, 28 * PER_DAY + 50 : 29 * PER_DAY] *= 2
    price[1, 36 * PER_DAY :] *= 1 + 0.06 * (step[36 * PER_DAY :] / PER_DAY - 36)
    volume[2, 33 * PER_DAY :] *= 1 + 0.12 * (step[33 * PER_DAY :] / PER_DAY - 33)
    requests = random.poisson(volume).astype(np.float64)
    cost = np.round(requests * price * random.uniform(0.9, 1.1, price.shape), 6)
    # The last feature is born in the second week: for three weeks it has no weeks to look at.
    cost[2, : 10 * PER_DAY] = requests[2, : 10 * PER_DAY] = np.nan
    return cost, requests


def counters(cost: Array, requests: Array) -> Mapping[str, str]:
    """What Prometheus scraped, every 5 minutes."""
    given = {}
    for number, (dollars, calls) in enumerate(zip(cost, requests, strict=True)):
        feature = f"f{number}"
        given[series(COST, feature=feature, meter="input")] = _scraped(dollars)
        given[series(REQUESTS, feature=feature, status="priced")] = _scraped(calls)
    return given


def _scraped(steps: Array) -> str:
    born = int(np.argmax(~np.isnan(steps)))
    total = np.cumsum(np.nan_to_num(steps))
    return " ".join([*["_"] * born, *(f"{value:.6f}" for value in total[born:])])


@pytest.fixture(scope="module")
def sample() -> tuple[Array, Array]:
    return six_weeks()


def test_prometheus_fires_when_the_arrays_do(
    tmp_path: Path, sample: tuple[Array, Array]
) -> None:
    fires = firing(*sample)
    counts = {name: fires[name].sum(axis=1) for name in ALERTS}
    assert all(count.sum() > 0 for count in counts.values()), counts
    expected = [
        Expected(
            f"{(STEPS - 1) * 5}m",
            f'sum by (feature) (count_over_time(ALERTS{{alertname="{name}",alertstate="firing"}}'
            f"[{DAYS}d]))",
            {f'{{feature="f{number}"}}': int(n) for number, n in enumerate(count) if n},
        )
        for name, count in counts.items()
    ]
    for name in ALERTS:
        for number, row in enumerate(fires[name]):
            for at in np.flatnonzero(row[1:] & ~row[:-1]) + 1:
                selected = f'ALERTS{{alertname="{name}",alertstate="firing",feature="f{number}"}}'
                expected += [
                    Expected(f"{at * 5}m", f"count({selected})", {"{}": 1}),
                    Expected(f"{(at - 1) * 5}m", f"count({selected})", {}),
                ]
    promtool_test(tmp_path, counters(*sample), *expected, interval="5m")
