"""How well the anomaly alerts work: a year of 40 features replayed, with 60 labelled incidents.

Of each feature there is the spend, the requests, and the spend of its largest tenant.
Beside the shipped rules stand a fixed threshold (1.5 times the dearest hour of the first five
weeks) and plain three sigma (mean + 3 standard deviations of the last seven days' hours), with the
same ten minutes of patience. An incident counts when it adds at least 30 % of a normal day, and is
found when an alert of its feature fires within 2 hours of its beginning. A slow drift has three
days from when it has added those 30 %. A false page is a feature's alert that begins when nothing
is wrong and has not been for two days; alerts that overlap are one page, as in Alertmanager.

The rules were tuned on years 1 to 9. `--json` prints `detection_rate`, `median_hours_to_detect`,
`false_pages_per_feature_year`, the same under `fixed` and `three_sigma`, and ours by kind and year.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from rich.progress import Progress

from bench.alert_history import (
    FEATURES,
    INCIDENTS,
    PER_DAY,
    PER_HOUR,
    STEPS,
    WARM_UP_DAYS,
    Array,
    History,
    Incident,
    history,
)
from bench.alert_twin import Hours, Truth, firing, held, tenants_firing, window_sum

COUNTS_FROM_SHARE: Final = 0.3
FOUND_WITHIN: Final = 2 * PER_HOUR
DRIFT_FOUND_WITHIN: Final = 3 * PER_DAY
AFTERMATH: Final = 2 * PER_DAY
_PATIENCE, _KEPT = 2, 24


class Outcome(NamedTuple):
    """What one way of alerting made of one year."""

    steps_to_detect: list[tuple[Incident, int | None]]
    """Of the incidents that count; None when it was never found."""
    false_pages: int


def fixed(cost: Array) -> Truth:
    """Above 1.5 times the dearest hour of the feature's first five weeks."""
    hour = window_sum(cost)
    found = np.zeros(hour.shape, dtype=bool)
    for number, row in enumerate(hour):
        born = int(np.argmax(~np.isnan(row)))
        first = born + WARM_UP_DAYS * PER_DAY
        found[number, first:] = row[first:] > 1.5 * np.nanmax(row[born:first])
    return held(found, _PATIENCE, _KEPT)


def three_sigma(cost: Array) -> Truth:
    """Above the mean and three standard deviations of the last seven days."""
    hour = window_sum(cost)
    mean = Hours(hour, 168).mean()
    deviation = np.sqrt(np.maximum(Hours(hour**2, 168).mean() - mean**2, 0))
    return held(hour > mean + 3 * deviation, _PATIENCE, _KEPT)


def judged(year: History, fires: Truth) -> Outcome:
    """Fires against the labels."""
    found = [
        (incident, _steps(fires, incident))
        for incident in year.incidents
        if incident.daily_share >= COUNTS_FROM_SHARE
    ]
    begins = fires[:, 1:] & ~fires[:, :-1]
    begins[:, : WARM_UP_DAYS * PER_DAY] = False
    for incident in year.incidents:
        begins[incident.feature, incident.start - 1 : incident.end + AFTERMATH] = False
    return Outcome(found, int(begins.sum()))


def _steps(fires: Truth, incident: Incident) -> int | None:
    during = np.flatnonzero(fires[incident.feature, incident.start : incident.end])
    return int(during[0]) if len(during) else None


def is_in_time(incident: Incident, steps: int | None) -> bool:
    """Whether it was found while that still helped."""
    if steps is None:
        return False
    if incident.kind == "slow drift":
        return steps <= incident.counts_after + DRIFT_FOUND_WITHIN
    return steps <= FOUND_WITHIN


def figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The three figures over some years."""
    found = [pair for outcome in outcomes for pair in outcome.steps_to_detect]
    hours = [steps / PER_HOUR for _, steps in found if steps is not None]
    years = len(outcomes) * FEATURES * (STEPS - WARM_UP_DAYS * PER_DAY) / PER_DAY / 365
    return {
        "detection_rate": round(sum(is_in_time(*pair) for pair in found) / len(found), 3),
        "median_hours_to_detect": round(statistics.median(hours), 2),
        "false_pages_per_feature_year": round(sum(o.false_pages for o in outcomes) / years, 2),
    }


def by_kind(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float | int]]:
    """Of each kind: how many count, how many were found in time, and the median hours."""
    rows: dict[str, dict[str, float | int]] = {}
    for kind in INCIDENTS:
        found = [p for outcome in outcomes for p in outcome.steps_to_detect if p[0].kind == kind]
        hours = [steps / PER_HOUR for _, steps in found if steps is not None]
        rows[kind] = {
            "incidents": len(found),
            "in_time": sum(is_in_time(*pair) for pair in found),
            "median_hours": round(statistics.median(hours), 2) if hours else -1,
        }
    return rows


def measure(seeds: Sequence[int], progress: Progress) -> dict[str, Any]:
    """The figures of the years with these seeds."""
    task = progress.add_task("years", total=len(seeds) * 4)
    outcomes: dict[str, list[Outcome]] = {"ours": [], "fixed": [], "three_sigma": []}
    for seed in seeds:
        year = history(seed)
        progress.advance(task)
        ours = [*firing(year.cost, year.requests).values(), tenants_firing(year.tenant_cost)]
        outcomes["ours"].append(judged(year, any_of(ours)))
        progress.advance(task)
        outcomes["fixed"].append(judged(year, fixed(year.cost)))
        progress.advance(task)
        outcomes["three_sigma"].append(judged(year, three_sigma(year.cost)))
        progress.advance(task)
    return {
        **figures(outcomes["ours"]),
        "fixed": figures(outcomes["fixed"]),
        "three_sigma": figures(outcomes["three_sigma"]),
        "by_kind": by_kind(outcomes["ours"]),
        "by_year": [figures([outcome]) for outcome in outcomes["ours"]],
        "seeds": list(seeds),
        "features": FEATURES,
    }


def any_of(fires: Sequence[Truth]) -> Truth:
    """Alerts of one feature that overlap are one page: the one that says more inhibits others."""
    found: Truth = np.logical_or.reduce(fires)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seeds", type=int, nargs="+", default=[20], help="which years (20)")
    arguments = parser.parse_args()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        found = measure(arguments.seeds, progress)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'':14}found in time   median hours   false pages a feature and year")
    for name, row in (("ours", found), *((n, found[n]) for n in ("fixed", "three_sigma"))):
        print(
            f"{name:14}{row['detection_rate']:13.1%}{row['median_hours_to_detect']:15.2f}"
            f"{row['false_pages_per_feature_year']:20.2f}"
        )


if __name__ == "__main__":
    main()
