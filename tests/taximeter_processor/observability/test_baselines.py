"""The benchmark's arrays and Prometheus agree on what is normal, too much, and an alert."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import yaml

from bench.alert_history import PER_DAY, PER_HOUR, STEP_MINUTES, Array
from bench.alert_twin import PATIENCE, conditions, held, tenant_condition, window_sum
from taximeter_processor.names import COST, REQUESTS, TENANT_SPEND
from taximeter_processor.observability.alerts import ALL
from tests.taximeter_processor.observability.prometheus_tools import (
    Expected,
    accepts,
    promtool_test,
    series,
)

DAYS = 42
STEPS = DAYS * PER_DAY
TENANT = "TaximeterTenantSpendAnomaly"
EXPRESSIONS = {alert.name: alert.expr for alert in ALL}


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


def test_prometheus_finds_an_anomaly_in_the_hours_in_which_the_arrays_do(
    tmp_path: Path, sample: tuple[Array, Array]
) -> None:
    burst = sample[0][:1].copy()
    burst[0, 37 * PER_DAY : 37 * PER_DAY + 90] *= 7
    true = conditions(*sample) | {TENANT: tenant_condition(burst)}
    found = {name: each[:, ::PER_HOUR].sum(axis=1) for name, each in true.items()}
    assert all(hours.sum() > 0 for hours in found.values()), found
    expected = [
        Expected(
            f"{DAYS * 24 - 1}h",
            f"sum by (feature, tenant) (count_over_time(({EXPRESSIONS[name]})[{DAYS}d:1h]))",
            {_subject(name, number): int(n) for number, n in enumerate(hours) if n},
        )
        for name, hours in found.items()
    ]
    given = {**counters(*sample), **gauge(burst)}
    promtool_test(tmp_path, given, *expected, interval="5m", evaluated="1h")


def gauge(cost: Array) -> Mapping[str, str]:
    """The tenant's last hour, as the ledger has it."""
    name = series(TENANT_SPEND, tenant="f0", window="1h")
    hours = window_sum(cost)[0]
    return {name: " ".join("_" if np.isnan(usd) else f"{usd:.6f}" for usd in hours)}


def _subject(alert: str, number: int) -> str:
    return f'{{{"tenant" if alert == TENANT else "feature"}="f{number}"}}'


def test_patience_in_the_arrays_is_that_of_the_alerts() -> None:
    steps = {
        alert.name: (_steps(alert.hold), _steps(alert.keep_firing))
        for alert in ALL
        if alert.name in PATIENCE
    }
    assert steps == PATIENCE


def _steps(duration: str) -> int:
    return int(duration[:-1]) * {"m": 1, "h": 60, "d": 1440}[duration[-1]] // STEP_MINUTES


def test_an_alert_waits_and_goes_on_in_the_arrays_as_in_prometheus(tmp_path: Path) -> None:
    true = np.random.default_rng(5).random((1, 400)) < np.repeat([0.9, 0.2, 0.02, 0.95], 100)
    fires = held(true, 2, 6)
    rules = {"alert": "A", "expr": "x == 1", "for": "10m", "keep_firing_for": "30m"}
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "g", "interval": "5m", "rules": [rules]}]})
    )
    values = " ".join(str(int(value)) for value in true[0])
    moments = [
        {
            "expr": 'count(ALERTS{alertstate="firing"})',
            "eval_time": f"{step * STEP_MINUTES}m",
            "exp_samples": [{"labels": "{}", "value": 1}] if on else [],
        }
        for step, on in enumerate(fires[0])
    ]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "5m",
        "tests": [
            {
                "interval": "5m",
                "input_series": [{"series": "x", "values": values}],
                "promql_expr_test": moments,
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    assert 0 < fires.sum() < 400
    accepts("promtool", "test", "rules", tmp_path / "test.yml")
