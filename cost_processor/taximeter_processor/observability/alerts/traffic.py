"""Alerts about how calls go: many that fail while money is spent, and features gone silent."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import FEATURE_EXPECTED, REQUESTS
from taximeter_processor.observability.alerts.alert import (
    FEATURE,
    PROCESSOR_DOWN,
    WITH_OWNER,
    Alert,
    dollars,
    if_known,
)
from taximeter_processor.observability.promql import select
from taximeter_processor.observability.recorded import BASE_COST_1H, RULE_BROKEN_OFF

FAILED_SHARE: Final = 0.2
FAILED_CALLS: Final = 100
STORM_USD: Final = 1
SILENT_WINDOW: Final = "2h"

_FAILED: Final = f"sum by (feature) (increase({select(REQUESTS.name, status='failed')}[30m]))"
_ALL: Final = f"sum by (feature) (increase({select(REQUESTS.name, status='!=cached')}[30m]))"
_SILENT: Final = (
    f"max by (feature) ({FEATURE_EXPECTED.name}) unless on (feature) "
    f"sum by (feature) (increase({REQUESTS.name}[{SILENT_WINDOW}])) > 0"
)
_SPENT: Final = dollars(f'printf "{BASE_COST_1H}{{feature=%q}}" $labels.feature')
_PAID: Final = f"printf \"sum({RULE_BROKEN_OFF}{{window='today',feature=%q}})\" $labels.feature"
_WEEK: Final = dollars(
    f'printf "24 * 7 * avg_over_time({BASE_COST_1H}{{feature=%q}}[1w:1h])" $labels.feature'
)

ALERTS: Final = (
    Alert(
        name="TaximeterRetryStorm",
        board=FEATURE,
        expr=(
            f"({_FAILED} / {_ALL} > {FAILED_SHARE}\n"
            f"  and {_FAILED} > {FAILED_CALLS}\n"
            f"  and {BASE_COST_1H} > {STORM_USD}) {WITH_OWNER}"
        ),
        severity="warning",
        hold="10m",
        keep_firing="10m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "{{ $value | humanizePercentage }} of the calls of feature {{ $labels.feature }} "
            f"failed in the last 30 minutes, while it spent {_SPENT} in an hour"
            f"{if_known(_PAID, '; errors that were billed cost it ', ' today')}."
        ),
        description=(
            "The calls that are counted here failed without usage and cost nothing. Clients try "
            "again, and steps that had succeeded are often paid for twice, which is not known."
        ),
    ),
    Alert(
        name="TaximeterFeatureSilent",
        board=FEATURE,
        expr=(f"({_SILENT}) {WITH_OWNER}\nor on (feature) ({_SILENT})"),
        severity="warning",
        hold="30m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "Feature {{ $labels.feature }} made no call in two hours and should never be silent; "
            f"its last week cost {_WEEK}."
        ),
        description="It is broken, or its calls no longer reach the meter.",
    ),
)
