"""Alerts about more spend than is normal: for a feature by the hour and the day, for a tenant."""

from __future__ import annotations

from typing import Final

from taximeter_processor.observability.alerts.alert import (
    FEATURE,
    PROCESSOR_DOWN,
    TENANTS,
    WITH_OWNER,
    Alert,
    dollars,
)
from taximeter_processor.observability.baselines import expected, limit
from taximeter_processor.observability.recorded import (
    BASE_COST_1D,
    BASE_COST_1H,
    BASE_TENANT_COST_1H,
    BASE_TENANT_OWNER,
)

LEAST_USD_HOUR: Final = 1
LEAST_USD_DAY: Final = 5
LEAST_USD_TENANT: Final = 5
"""Less than this above what is expected wakes nobody."""

SPEND_ANOMALY: Final = "TaximeterSpendAnomaly"
REQUEST_COST: Final = "TaximeterCostPerRequestRegression"


def above(series: str, least_usd: int) -> str:
    """Where a series is over its limit, by so many dollars more than expected."""
    return f"({series} > {limit(series)} and {series} - {expected(series)} > {least_usd})"


def _expected(series: str, label: str) -> str:
    return dollars(f'printf "{expected(series)}{{{label}=%q}}" $labels.{label}')


ALERTS: Final = (
    Alert(
        name=SPEND_ANOMALY,
        board=FEATURE,
        expr=f"{above(BASE_COST_1H, LEAST_USD_HOUR)} {WITH_OWNER}",
        severity="warning",
        hold="10m",
        keep_firing="2h",
        inhibited_by=PROCESSOR_DOWN,
        outranked_by=(REQUEST_COST,),
        summary=(
            'Feature {{ $labels.feature }} spent ${{ printf "%.2f" $value }} in an hour; '
            f"{_expected(BASE_COST_1H, 'feature')} is normal for this hour of the week."
        ),
        description=(
            "The cost of a request is normal, so there are more requests: a loop, a leak, retries, "
            "or more users."
        ),
    ),
    Alert(
        name="TaximeterSpendDrift",
        board=FEATURE,
        expr=f"{above(BASE_COST_1D, LEAST_USD_DAY)} {WITH_OWNER}",
        severity="warning",
        hold="2h",
        keep_firing="1d",
        inhibited_by=PROCESSOR_DOWN,
        outranked_by=(SPEND_ANOMALY, REQUEST_COST),
        summary=(
            'Feature {{ $labels.feature }} spent ${{ printf "%.2f" $value }} in 24 hours; '
            f"{_expected(BASE_COST_1D, 'feature')} would be normal."
        ),
        description="No single hour stood out: spend has crept up over days.",
    ),
    Alert(
        name="TaximeterTenantSpendAnomaly",
        board=TENANTS,
        expr=(
            f"{above(BASE_TENANT_COST_1H, LEAST_USD_TENANT)} "
            f"* on (tenant) group_left (owner, team) {BASE_TENANT_OWNER}"
        ),
        severity="warning",
        hold="10m",
        keep_firing="2h",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            'Tenant {{ $labels.tenant }} spent ${{ printf "%.2f" $value }} in an hour; '
            f"{_expected(BASE_TENANT_COST_1H, 'tenant')} is normal for this hour of the week."
        ),
        description="Its owner is that of the team that spends most on the tenant.",
    ),
)
