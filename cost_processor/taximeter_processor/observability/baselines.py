"""Recording rules for "how much is normal": what an anomaly is measured against.

For an hour of spend the normal is that of the same hour of the week: the third lowest of the last
four weeks, so that neither two weeks of holidays nor one week with an incident move it. Younger
than three weeks, a feature is compared with its own busy hours of the last week. `ratio` is spend
over normal; its median over two days is the *level* (growth, a launch), and how far its lower
quartile lies under its median is its *spread*: a median absolute deviation taken on the low side,
where an incident cannot widen it. What is expected is normal x level, and the limit is expected x
(1 + max(margin, k x spread)). Everything is relative, and only rises count.

A sum of few requests is uncertain whatever the hours before say: where the cost of one has a
standard deviation of s means, that of n (Poisson) has a relative error of sqrt((1 + s^2) / n).
So a feature's limit is also at least a number of times 1 / sqrt(n) above what is expected.

Subqueries step by the hour: a week is 168 samples, whatever the group's interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from taximeter_processor import names
from taximeter_processor.observability import recorded
from taximeter_processor.observability.promql import select

INTERVAL: Final = "5m"
"""Baselines and the alerts on them are one group, evaluated at the same moments."""

WEEKS: Final = 4
SAME_HOUR_QUANTILE: Final = 0.6667
"""Of four values, the third lowest."""
YOUNG_QUANTILE: Final = 0.9
YOUNG_LIMIT: Final = 3
"""Times what is expected, until there are two weeks of ratios to same hours: five in all."""
HIGHEST_LEVEL: Final = 5

SPEND_MARGIN: Final = 0.6
SPEND_SPREADS: Final = 9
SPEND_ERRORS: Final = 15
"""Times 1 / sqrt(requests): nine standard errors where a request's cost deviates by 1.3 means."""
TENANT_MARGIN: Final = 2
TENANT_SPREADS: Final = 18
DRIFT_MARGIN: Final = 0.5
DRIFT_SPREADS: Final = 8

REQUEST_MARGIN: Final = 0.2
REQUEST_SPREADS: Final = 9
REQUEST_DRIFT_MARGIN: Final = 0.12
REQUEST_ERRORS: Final = 7
"""Times 1 / sqrt(requests), by which the mean of so many is uncertain."""


class Recorded(NamedTuple):
    """A recording rule."""

    name: str
    expr: str


def normal(of: str) -> str:
    """The name of the rule that says what is normal for another."""
    return f"{of}_normal"


def ratio(of: str) -> str:
    """The name of the rule that divides another by its normal."""
    return f"{of}_ratio"


def expected(of: str) -> str:
    """The name of the rule that says what another should be, at today's level."""
    return f"{of}_expected"


def limit(of: str) -> str:
    """The name of the rule above which another is an anomaly."""
    return f"{of}_limit"


def spend_rules() -> list[Recorded]:
    """Hours and days of each feature's spend."""
    hour, day, requests = recorded.BASE_COST_1H, recorded.BASE_COST_1D, recorded.BASE_REQUESTS_1H
    priced = select(names.REQUESTS.name, status="priced")
    return [
        Recorded(hour, f"sum by (feature) (increase({names.COST.name}[1h]))"),
        Recorded(requests, f"sum by (feature) (increase({priced}[1h]))"),
        *_hourly(hour, "feature", SPEND_MARGIN, SPEND_SPREADS, _error(requests, SPEND_ERRORS)),
        Recorded(day, _day(hour)),
        Recorded(normal(day), _day(normal(hour))),
        Recorded(ratio(day), f"{day} / ({normal(day)} > 0)"),
        Recorded(
            expected(day),
            f"{normal(day)} * {_level(ratio(day), '2w', offset=' offset 2d')}",
        ),
        Recorded(
            limit(day),
            _limit(
                day, DRIFT_MARGIN, f"{DRIFT_SPREADS} * {_spread(ratio(day), '2w', ' offset 2d')}"
            ),
        ),
    ]


def tenant_rules() -> list[Recorded]:
    """Hours of each tenant's spend, exact from the ledger; one tenant swings more than all."""
    hour = recorded.BASE_TENANT_COST_1H
    shown = select(
        recorded.RULE_TENANT_SPEND,
        window="1h",
        tenant=f"!~{names.OVERFLOW_VALUE}|{names.UNKNOWN_VALUE}",
    )
    return [
        Recorded(hour, f"sum by (tenant) ({shown})"),
        *_hourly(hour, "tenant", TENANT_MARGIN, TENANT_SPREADS),
        Recorded(recorded.BASE_TENANT_OWNER, _tenant_owner(shown)),
    ]


def cache_rules() -> list[Recorded]:
    """The share of a feature's input tokens that came from the provider's cache."""
    share, tokens = recorded.BASE_CACHED_SHARE_1H, recorded.BASE_CACHEABLE_1H
    cacheable = select(names.USAGE.name, meter="=~input|cache_read|cache_write.*")
    cached = select(names.USAGE.name, meter="cache_read")
    return [
        Recorded(tokens, f"sum by (feature) (increase({cacheable}[1h]))"),
        Recorded(share, f"sum by (feature) (increase({cached}[1h])) / ({tokens} > 0)"),
        Recorded(normal(share), f"quantile_over_time(0.5, {share}[1w:1h] offset 1h)"),
    ]


def request_rules() -> list[Recorded]:
    """Dollars a request, by the hour and by the day: volume does not move it."""
    hour, day = recorded.BASE_REQUEST_COST_1H, recorded.BASE_REQUEST_COST_1D
    requests, requests_day = recorded.BASE_REQUESTS_1H, recorded.BASE_REQUESTS_1D
    noise = f"{REQUEST_SPREADS} * {_spread(ratio(hour), '1w')}"
    return [
        Recorded(hour, f"{recorded.BASE_COST_1H} / ({requests} > 0)"),
        Recorded(
            normal(hour),
            f"{_same_time(hour, 'feature', 'd', range(1, 8), 0.5)}\n"
            f"and on (feature) {hour} offset 2d",
        ),
        Recorded(ratio(hour), f"{hour} / ({normal(hour)} > 0)"),
        Recorded(
            limit(hour),
            f"{normal(hour)} * (1 + (\n"
            f"{_greatest(str(REQUEST_MARGIN), noise, _error(requests, REQUEST_ERRORS))}\n))",
        ),
        Recorded(requests_day, _day(requests)),
        Recorded(day, f"{recorded.BASE_COST_1D} / ({requests_day} > 0)"),
        Recorded(normal(day), f"quantile_over_time(0.5, {day}[1w:1h] offset 1d)"),
        Recorded(
            limit(day),
            f"{normal(day)} * (1 + (\n"
            f"{_greatest(str(REQUEST_DRIFT_MARGIN), _error(requests_day, REQUEST_ERRORS))}\n))",
        ),
    ]


def _hourly(hour: str, by: str, margin: float, spreads: float, *errors: str) -> Iterator[Recorded]:
    weeks = _same_time(hour, by, "w", range(1, WEEKS + 1), SAME_HOUR_QUANTILE)
    young = f"quantile_over_time({YOUNG_QUANTILE}, {hour}[1w:1h] offset 1h)"
    yield Recorded(
        normal(hour),
        f"({weeks}\nand on ({by}) {hour} offset 3w)\nor\n({young} and on ({by}) {hour} offset 2d)",
    )
    yield Recorded(ratio(hour), f"{hour} / ({normal(hour)} > 0)")
    yield Recorded(expected(hour), f"{normal(hour)} * {_level(ratio(hour), '2d')}")
    spread = f"{spreads} * {_spread(ratio(hour), '2w')}"
    settled = _limit(hour, margin, spread, *errors)
    yield Recorded(
        limit(hour),
        f"({settled}\nand on ({by}) {hour} offset 5w)\nor {YOUNG_LIMIT} * {expected(hour)}",
    )


def _same_time(of: str, by: str, unit: str, back: range, quantile: float) -> str:
    """A quantile over the same moment of earlier days or weeks."""
    each = "\nor ".join(
        f'label_replace({of} offset {count}{unit}, "back", "{count}", "", "")' for count in back
    )
    return f"quantile by ({by}) ({quantile},\n{each}\n)"


def _tenant_owner(shown: str) -> str:
    """One series a tenant, always 1: its dearest team, and the owner of most of that team's spend.

    A team may have an owner for each feature; a tenant's team without one is `unowned`.
    """
    month = select(recorded.RULE_SPEND, window="month")
    info = f"max by (feature, team, owner) ({names.OWNER_INFO.name})"
    return f"""\
group by (tenant, team, owner) (
  topk by (tenant) (1, sum by (tenant, team) ({shown}))
    * on (team) group_left (owner)
      group by (team, owner) (
        topk by (team) (1, sum by (team, owner) (
          {info} * on (feature, team) group_left () (sum by (feature, team) ({month}) >= 0)
        ))
      )
)
or on (tenant)
label_replace(group by (tenant) ({shown}), "owner", "{names.UNOWNED}", "", "")"""


def _day(hour: str) -> str:
    """24 times the mean of the last day's hours."""
    return f"24 * avg_over_time({hour}[1d:1h])"


def _level(of: str, window: str, offset: str = "") -> str:
    return f"clamp(quantile_over_time(0.5, {of}[{window}:1h]{offset}), 1, {HIGHEST_LEVEL})"


def _spread(of: str, window: str, offset: str = "") -> str:
    lower, middle = (f"quantile_over_time({q}, {of}[{window}:1h]{offset})" for q in (0.25, 0.5))
    return f"(1 - {lower} / ({middle} > 0))"


def _limit(of: str, margin: float, *noises: str) -> str:
    return f"{expected(of)} * (1 + (\n{_greatest(str(margin), *noises)}\n))"


def _error(requests: str, times: float) -> str:
    return f"{times} / sqrt({requests} > 0)"


def _greatest(least: str, *vectors: str) -> str:
    """The largest of a number and some vectors of the same series."""
    found = f"clamp_min({vectors[0]}, {least})"
    for vector in vectors[1:]:
        found = f"(({vector}) > {found} or {found})"
    return found


GROUPS: Final[Mapping[str, tuple[Recorded, ...]]] = {
    "anomaly": (*spend_rules(), *request_rules(), *cache_rules(), *tenant_rules()),
}
"""What is recorded for each family of alerts, ahead of them and at the same moments."""
