"""Alerts about what one request costs: a dearer model, a longer prompt, a cache that is missed."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import REQUEST_COST
from taximeter_processor.observability.alerts import anomaly
from taximeter_processor.observability.alerts.alert import (
    FEATURE,
    PROCESSOR_DOWN,
    WITH_OWNER,
    Alert,
    dollars,
)
from taximeter_processor.observability.baselines import limit, normal
from taximeter_processor.observability.promql import select
from taximeter_processor.observability.recorded import (
    BASE_CACHEABLE_1H,
    BASE_CACHED_SHARE_1H,
    BASE_COST_1H,
    BASE_REQUEST_COST_1D,
    BASE_REQUEST_COST_1H,
    BASE_REQUESTS_1D,
    BASE_REQUESTS_1H,
)

RUNAWAY_USD: Final = 10
"""A bound of the cost histogram's buckets: no honest request costs more."""

CACHED_SHARE: Final = 0.2
CACHED_TOKENS: Final = 100_000


def _dearer(series: str, requests: str, least_usd: int) -> str:
    extra = f"({series} - {normal(series)}) * {requests}"
    return f"({series} > {limit(series)} and {extra} > {least_usd}) {WITH_OWNER}"


def _of_feature(query: str) -> str:
    return dollars(f'printf "{query}" $labels.feature')


def _usual(series: str) -> str:
    amount = '${{ . | first | value | printf "%.4f" }}'
    query = f'printf "{normal(series)}{{feature=%q}}" $labels.feature'
    return f"{{{{ with {query} | query }}}}{amount}{{{{ end }}}}"


_BUCKET: Final = f"{REQUEST_COST.name}_bucket"
_IN_BUCKETS: Final = f"sum by (feature) (increase({select(_BUCKET, le=f'{RUNAWAY_USD}.0')}[15m]))"
_IN_ALL: Final = f"sum by (feature) (increase({select(_BUCKET, le='+Inf')}[15m]))"

ALERTS: Final = (
    Alert(
        name=anomaly.REQUEST_COST,
        board=FEATURE,
        expr=_dearer(BASE_REQUEST_COST_1H, BASE_REQUESTS_1H, anomaly.LEAST_USD_HOUR),
        severity="warning",
        hold="10m",
        keep_firing="2h",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            'A request of feature {{ $labels.feature }} costs ${{ printf "%.4f" $value }} instead '
            f"of {_usual(BASE_REQUEST_COST_1H)}; it spent "
            f"{_of_feature(BASE_COST_1H + '{feature=%q}')} in the last hour."
        ),
        description=(
            "Compared with the same hour of the last seven days. A dearer model, a longer prompt "
            "or answer, a lost cache, or a new price."
        ),
    ),
    Alert(
        name="TaximeterCostPerRequestDrift",
        board=FEATURE,
        expr=_dearer(BASE_REQUEST_COST_1D, BASE_REQUESTS_1D, anomaly.LEAST_USD_DAY),
        severity="warning",
        hold="1h",
        keep_firing="1d",
        inhibited_by=PROCESSOR_DOWN,
        outranked_by=(anomaly.REQUEST_COST,),
        summary=(
            'A request of feature {{ $labels.feature }} cost ${{ printf "%.4f" $value }} in the '
            f"last 24 hours instead of {_usual(BASE_REQUEST_COST_1D)}: "
            f"{_of_feature('24 * avg_over_time(' + BASE_COST_1H + '{feature=%q}[1d:1h])')} in all."
        ),
        description="It has crept up over days: prompts or histories that grow, most likely.",
    ),
    Alert(
        name="TaximeterCacheHitCollapse",
        board=FEATURE,
        expr=(
            f"({BASE_CACHED_SHARE_1H} < 0.5 * {normal(BASE_CACHED_SHARE_1H)}\n"
            f"  and {normal(BASE_CACHED_SHARE_1H)} > {CACHED_SHARE}\n"
            f"  and {BASE_CACHEABLE_1H} > {CACHED_TOKENS}\n"
            f"  and {BASE_COST_1H} > {anomaly.LEAST_USD_HOUR}) {WITH_OWNER}"
        ),
        severity="warning",
        hold="20m",
        keep_firing="2h",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "Only {{ $value | humanizePercentage }} of the input tokens of feature "
            "{{ $labels.feature }} come from the provider's cache, less than half of what is "
            f"usual; it spent {_of_feature(BASE_COST_1H + '{feature=%q}')} in the last hour."
        ),
        description=(
            "Something at the beginning of the prompt changes from call to call, or the prompt's "
            "cache mark is gone."
        ),
    ),
    Alert(
        name="TaximeterRunawayRequest",
        board=FEATURE,
        expr=f"({_IN_ALL} - {_IN_BUCKETS} > 0.5) {WITH_OWNER}",
        severity="critical",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            '{{ printf "%.0f" $value }} requests of feature {{ $labels.feature }} cost more than '
            f"${RUNAWAY_USD} each in the last 15 minutes; it spent "
            f"{_of_feature(BASE_COST_1H + '{feature=%q}')} in the last hour."
        ),
        description="An agent that feeds its own output back, or a whole document store as prompt.",
    ),
)
