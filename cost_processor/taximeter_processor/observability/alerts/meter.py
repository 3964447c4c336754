"""Alerts about the meter itself: while it does not run, spend is not seen."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import COST, DEAD_LETTERS
from taximeter_processor.observability.alerts.alert import (
    PROCESSOR_DOWN,
    WATCHDOG,
    Alert,
    dollars,
)
from taximeter_processor.observability.promql import rose

PROCESSOR_JOB: Final = "taximeter"

_LAST_HOUR = dollars(f'"sum(increase({COST.name}[1h] offset 10m))"')

ALERTS: Final = (
    Alert(
        name=PROCESSOR_DOWN,
        expr=(
            f'max by (job) (up{{job="{PROCESSOR_JOB}"}}) == 0\n'
            f'or absent(up{{job="{PROCESSOR_JOB}"}})'
        ),
        severity="critical",
        hold="5m",
        summary="No cost processor answers: spend is not being metered.",
        description=(
            f"It counted {_LAST_HOUR} in the hour that ended 10 minutes ago. The Collector keeps "
            "spans on disk until it is back; budget alerts are blind until then."
        ),
    ),
    Alert(
        name="TaximeterDeadLetters",
        expr=rose(DEAD_LETTERS.name, "1h", by="reason"),
        severity="warning",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            '{{ printf "%.0f" $value }} bodies or spans were kept aside as dead letters in the '
            "last hour: {{ $labels.reason }}."
        ),
        description="Their cost is in no total. `taximeter dead-letters` lists them.",
    ),
    Alert(
        name=WATCHDOG,
        expr="vector(1)",
        severity="none",
        summary="Alerting works: this alert always fires.",
        description="Send it to a dead man's switch, which calls when it stops arriving.",
    ),
)
