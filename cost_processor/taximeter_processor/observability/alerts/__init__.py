"""Every alert, by family: one file each, one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from taximeter_processor.observability.alerts import (
    anomaly,
    budget,
    collector,
    meter,
    ownership,
    pricing,
    traffic,
    unit_cost,
)
from taximeter_processor.observability.alerts.alert import Alert

FAMILIES: Final[Mapping[str, tuple[Alert, ...]]] = {
    "budget": budget.ALERTS,
    "anomaly": (*anomaly.ALERTS, *unit_cost.ALERTS),
    "pricing": pricing.ALERTS,
    "ownership": ownership.ALERTS,
    "traffic": traffic.ALERTS,
    "meter": meter.ALERTS,
    "collector": collector.ALERTS,
}

ALL: Final = tuple(alert for family in FAMILIES.values() for alert in family)
