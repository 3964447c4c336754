"""Alerts about ownership: money that no named person answers for."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import RULE_OWNER, RULE_SPEND, UNOWNED
from taximeter_processor.observability.alerts.alert import PROCESSOR_DOWN, Alert
from taximeter_processor.observability.promql import select

UNOWNED_USD_TODAY: Final = 1

ALERTS: Final = (
    Alert(
        name="TaximeterUnownedSpend",
        expr=(
            f"sum by (feature) ({select(RULE_SPEND, window='today')})\n"
            f"  * on (feature) group_left (owner, team) {select(RULE_OWNER, owner=UNOWNED)}\n"
            f"  > {UNOWNED_USD_TODAY}"
        ),
        severity="warning",
        hold="1h",
        keep_firing="10m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            'Nobody owns feature {{ $labels.feature }}, which spent ${{ printf "%.2f" $value }} '
            "today."
        ),
        description="Name its owner under `owners:` in taximeter.yaml.",
    ),
)
