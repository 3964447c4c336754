"""Alerts about ownership: money without a tag, or that no named person answers for."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import UNKNOWN_VALUE, UNOWNED
from taximeter_processor.observability.alerts.alert import PROCESSOR_DOWN, Alert, dollars
from taximeter_processor.observability.promql import select
from taximeter_processor.observability.recorded import RULE_OWNER, RULE_SPEND

UNOWNED_USD_TODAY: Final = 1
UNTAGGED_USD_TODAY: Final = 5
UNTAGGED_SHARE: Final = 0.02

_TODAY: Final = select(RULE_SPEND, window="today")
_UNTAGGED: Final = f"sum({select(RULE_SPEND, window='today', feature=UNKNOWN_VALUE)})"

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
    Alert(
        name="TaximeterUntaggedSpend",
        expr=(
            f"{_UNTAGGED} / sum({_TODAY}) > {UNTAGGED_SHARE}\n"
            f"  and {_UNTAGGED} > {UNTAGGED_USD_TODAY}"
        ),
        severity="warning",
        hold="1h",
        keep_firing="10m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "{{ $value | humanizePercentage }} of today's spend names no feature: "
            f"{dollars(chr(96) + _UNTAGGED + chr(96))} of "
            f"{dollars(chr(96) + 'sum(' + _TODAY + ')' + chr(96))}."
        ),
        description="`taximeter costs --where feature=unknown --by service_name` says whose it is.",
    ),
)
