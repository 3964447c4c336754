"""The rules of `observability.baselines`, as arrays: one row a feature, one column 5 minutes.

A test holds it to the same results as Prometheus has. An absent sample is NaN, as in PromQL
comparisons with it are false. `Hours` stands for a subquery that steps by the hour.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.alert_history import PER_DAY, PER_HOUR, Array
from taximeter_processor.observability import baselines
from taximeter_processor.observability.alerts.anomaly import (
    LEAST_USD_DAY,
    LEAST_USD_HOUR,
    LEAST_USD_TENANT,
)

Truth = NDArray[np.bool_]
WEEK: Final = 7 * PER_DAY
PATIENCE: Final = {
    "TaximeterSpendAnomaly": (2, 24),
    "TaximeterSpendDrift": (24, 288),
    "TaximeterCostPerRequestRegression": (2, 24),
    "TaximeterCostPerRequestDrift": (12, 288),
}
"""`for` and `keep_firing_for` of each alert, in steps of 5 minutes."""


def firing(cost: Array, requests: Array) -> dict[str, Truth]:
    """When each alert fires for each feature, by the name of the alert."""
    true = conditions(cost, requests)
    return {name: held(true[name], *PATIENCE[name]) for name in PATIENCE}


def tenants_firing(cost: Array) -> Truth:
    """When the alert about a tenant fires, from the dollars of each step."""
    return held(tenant_condition(cost), 2, 24)


def tenant_condition(cost: Array) -> Truth:
    """When its expression is true."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _hour_condition(
            window_sum(cost), baselines.TENANT_MARGIN, baselines.TENANT_SPREADS, 0, LEAST_USD_TENANT
        )


def conditions(cost: Array, requests: Array) -> dict[str, Truth]:
    """When the expression of each alert is true, from the dollars and requests of each step."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _conditions(window_sum(cost), window_sum(requests))


def _conditions(cost: Array, requests: Array) -> dict[str, Truth]:
    usual = _normal_hour(cost)
    day, usual_day = 24 * Hours(cost, 24).mean(), 24 * Hours(usual, 24).mean()
    day_ratio = _over(day, usual_day)
    expected_day = usual_day * _level(day_ratio, 336, back=48)
    noise_day = _noise(day_ratio, 336, baselines.DRIFT_SPREADS, back=48)
    limit_day = expected_day * (1 + _at_least(baselines.DRIFT_MARGIN, noise_day, 0))

    each = _over(cost, requests)
    usual_each = _same_time(each, PER_DAY, range(1, 8), 0.5)
    usual_each[np.isnan(_shifted(each, 2 * PER_DAY))] = np.nan
    noise_each = _noise(_over(each, usual_each), 168, baselines.REQUEST_SPREADS)
    error = _error(requests, baselines.REQUEST_ERRORS)
    error_cost = _error(requests, baselines.SPEND_ERRORS)
    limit_each = usual_each * (1 + _at_least(baselines.REQUEST_MARGIN, noise_each, error))
    requests_day = 24 * Hours(requests, 24).mean()
    each_day = _over(day, requests_day)
    (usual_each_day,) = Hours(each_day, 168, back=24).quantiles(0.5)
    error_day = _error(requests_day, baselines.REQUEST_ERRORS)
    limit_each_day = usual_each_day * (1 + _at_least(baselines.REQUEST_DRIFT_MARGIN, error_day, 0))
    extra, extra_day = (each - usual_each) * requests, (each_day - usual_each_day) * requests_day
    return {
        "TaximeterSpendAnomaly": _hour_condition(
            cost, baselines.SPEND_MARGIN, baselines.SPEND_SPREADS, error_cost, LEAST_USD_HOUR
        ),
        "TaximeterSpendDrift": (day > limit_day) & (day - expected_day > LEAST_USD_DAY),
        "TaximeterCostPerRequestRegression": (each > limit_each) & (extra > LEAST_USD_HOUR),
        "TaximeterCostPerRequestDrift": (each_day > limit_each_day) & (extra_day > LEAST_USD_DAY),
    }


def _hour_condition(
    cost: Array, margin: float, spreads: float, error: Array | float, least_usd: float
) -> Truth:
    usual = _normal_hour(cost)
    ratio = _over(cost, usual)
    expected = usual * _level(ratio, 48)
    limit = expected * (1 + _at_least(margin, _noise(ratio, 336, spreads), error))
    is_settled = ~np.isnan(_shifted(cost, 5 * WEEK)) & ~np.isnan(limit)
    limit = np.where(is_settled, limit, baselines.YOUNG_LIMIT * expected)
    found: Truth = (cost > limit) & (cost - expected > least_usd)
    return found


class Hours:
    """A subquery `of[HOURS:1h] offset BACK h`: the samples at full hours in the window.

    At a full hour the window holds both of its ends, so one sample more than between them.
    """

    def __init__(self, of: Array, hours: int, back: int = 0) -> None:
        self._columns = of.shape[1]
        self._back = back * PER_HOUR
        samples = of[:, ::PER_HOUR]
        padding = np.full((of.shape[0], hours), np.nan)
        self._windows = sliding_window_view(
            np.concatenate([padding, samples], axis=1), hours + 1, axis=1
        )

    def mean(self) -> Array:
        """`avg_over_time`."""
        known = ~np.isnan(self._windows)
        values = np.where(known, self._windows, 0)
        with np.errstate(invalid="ignore"):
            full = values.sum(axis=2) / known.sum(axis=2)
            between = values[:, :, 1:].sum(axis=2) / known[:, :, 1:].sum(axis=2)
        return self._spread(full, between)

    def quantiles(self, *wanted: float) -> list[Array]:
        """`quantile_over_time`, for each wanted one."""
        full, between = (
            [np.stack(rows) for rows in zip(*(self._of(w, wanted) for w in windows), strict=True)]
            for windows in (self._windows, self._windows[:, :, 1:])
        )
        return [self._spread(*pair) for pair in zip(full, between, strict=True)]

    @staticmethod
    def _of(windows: Array, wanted: tuple[float, ...]) -> list[Array]:
        ordered = np.sort(windows, axis=1)
        return [quantile(ordered.T, q) for q in wanted]

    def _spread(self, full: Array, between: Array) -> Array:
        """From hours to steps: the first step of an hour sees one sample more."""
        steps = np.repeat(between, PER_HOUR, axis=1)
        steps[:, ::PER_HOUR] = full
        return _shifted(steps[:, : self._columns], self._back)


def quantile(ordered: Array, wanted: float) -> Array:
    """Prometheus' interpolated quantile down the first axis, which is sorted with NaN last."""
    count = (~np.isnan(ordered)).sum(axis=0)
    rank = wanted * np.maximum(count - 1, 0)
    lower = np.floor(rank).astype(int)
    upper = np.minimum(lower + 1, np.maximum(count - 1, 0))
    low = np.take_along_axis(ordered, lower[None], axis=0)[0]
    high = np.take_along_axis(ordered, upper[None], axis=0)[0]
    found: Array = low * (1 - (rank - lower)) + high * (rank - lower)
    return found


def _normal_hour(cost: Array) -> Array:
    weeks = _same_time(cost, WEEK, range(1, baselines.WEEKS + 1), baselines.SAME_HOUR_QUANTILE)
    weeks[np.isnan(_shifted(cost, 3 * WEEK))] = np.nan
    (young,) = Hours(cost, 168, back=1).quantiles(baselines.YOUNG_QUANTILE)
    young[np.isnan(_shifted(cost, 2 * PER_DAY))] = np.nan
    return np.where(np.isnan(weeks), young, weeks)


def _same_time(of: Array, step: int, back: range, wanted: float) -> Array:
    ordered = np.sort(np.stack([_shifted(of, count * step) for count in back]), axis=0)
    return quantile(ordered, wanted)


def _level(ratio: Array, hours: int, back: int = 0) -> Array:
    (middle,) = Hours(ratio, hours, back).quantiles(0.5)
    return np.clip(middle, 1, baselines.HIGHEST_LEVEL)


def _noise(ratio: Array, hours: int, spreads: float, back: int = 0) -> Array:
    lower, middle = Hours(ratio, hours, back).quantiles(0.25, 0.5)
    return spreads * (1 - lower / np.where(middle > 0, middle, np.nan))


def _error(requests: Array, times: float) -> Array:
    return times / np.sqrt(np.where(requests > 0, requests, np.nan))


def _at_least(least: float, noise: Array, error: Array | float) -> Array:
    found = np.maximum(noise, least)
    return np.where(error > found, error, found)


def _over(above: Array, below: Array) -> Array:
    return above / np.where(below > 0, below, np.nan)


def window_sum(each: Array) -> Array:
    """`increase(…[1h])` of a counter whose steps these are; NaN until an hour is there."""
    total = np.nancumsum(each, axis=1)
    found = np.full_like(each, np.nan)
    found[:, PER_HOUR:] = total[:, PER_HOUR:] - total[:, :-PER_HOUR]
    found[np.isnan(_shifted(each, PER_HOUR))] = np.nan
    return found


def _shifted(of: Array, steps: int) -> Array:
    if not steps:
        return of
    found = np.full_like(of, np.nan)
    found[:, steps:] = of[:, :-steps]
    return found


def held(true: Truth, hold: int, keep: int) -> Truth:
    """`for` and `keep_firing_for`, in steps: how long it waits, then goes on."""
    fires = _count(true, hold + 1) == hold + 1
    # While it fires, every true moment prolongs it, but only a firing alert is prolonged.
    found = np.zeros_like(true)
    left = np.zeros(true.shape[0], dtype=int)
    for step in range(true.shape[1]):
        started = fires[:, step] | (true[:, step] & (left > 0))
        left = np.where(started, keep + 1, left - 1)
        found[:, step] = left > 0
    return found


def _count(true: Truth, steps: int) -> NDArray[np.int64]:
    """How many of the last steps, this one included, are true."""
    total: NDArray[np.int64] = np.cumsum(true, axis=1, dtype=np.int64)
    found = total.copy()
    found[:, steps:] -= total[:, :-steps]
    return found
