"""The dashboard "AI cost: daily view": how much, who and what, since when, and can it be trusted."""

from __future__ import annotations

from typing import Final

from taximeter_processor import names
from taximeter_processor.names import (
    RULE_BUDGET,
    RULE_BUDGET_SPENT,
    RULE_OWNER,
    RULE_SPEND,
    RULE_SPEND_REQUESTS,
    RULE_SPEND_SAME_TIME,
    RULE_TENANT_SPEND,
    UNKNOWN_VALUE,
)
from taximeter_processor.observability.alerts.alert import WATCHDOG
from taximeter_processor.observability.alerts.meter import PROCESSOR_JOB
from taximeter_processor.observability.dashboards import board
from taximeter_processor.observability.dashboards.board import Section
from taximeter_processor.observability.dashboards.panels import (
    COUNT,
    SECONDS,
    SHARE,
    Frame,
    Query,
    bars,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import FILTERS, select, shared_filters

UID: Final = "taximeter-daily"

_SPEND: Final = shared_filters(names.SPEND)
_REQUESTS: Final = shared_filters(names.SPEND, names.SPEND_REQUESTS)
_SAME_TIME: Final = shared_filters(names.SPEND, names.SPEND_SAME_TIME)
_TENANTS: Final = shared_filters(names.TENANT_SPEND)

_TODAY: Final = f"sum({select(RULE_SPEND, _SPEND, window='today')})"
_PRICED_OR_NOT: Final = "=~priced|unpriced"


def build() -> dict[str, object]:
    """The dashboard's JSON."""
    return board.build(
        UID,
        "AI cost: daily view",
        "What LLM calls cost today, against what is usual, and who to ask. Amounts are exact, from "
        "the ledger, in its reporting time zone; rates come from counters.",
        [
            Section("How much", [*_how_much(), *_position()]),
            Section("Who and what", [_by_feature(), _by_tenant(), *_by_label()]),
            Section("Since when", _trends()),
            Section("Can it be trusted", _meter_health()),
        ],
    )
