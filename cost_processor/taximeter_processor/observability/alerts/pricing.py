"""Alerts about prices: calls whose cost is not known make every total too low."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import PRICE_BOOK_TIMESTAMP, UNPRICED
from taximeter_processor.observability.alerts.alert import (
    PROCESSOR_DOWN,
    WITH_OWNER,
    Alert,
    dollars,
)
from taximeter_processor.observability.promql import select
from taximeter_processor.observability.recorded import RULE_SPEND, RULE_SPEND_REQUESTS

UNPRICED_SHARE: Final = 0.01
UNPRICED_CALLS: Final = 5
STALE_DAYS: Final = 45

_MONTH: Final = f"sum({select(RULE_SPEND, window='month')})"
_UNPRICED = f"sum by (feature) ({select(RULE_SPEND_REQUESTS, status='unpriced', window='today')})"
_BILLABLE = (
    f"sum by (feature) ({select(RULE_SPEND_REQUESTS, status='=~priced|unpriced', window='today')})"
)
_SPENT = dollars(f'printf "sum({RULE_SPEND}{{window=\\"today\\",feature=%q}})" $labels.feature')
_MODELS = (
    "{{ range printf "
    f'"sum by (provider, model, reason) (increase({UNPRICED.name}{{feature=%q}}[1d])) > 0" '
    "$labels.feature | query }}{{ .Labels.provider }}/{{ .Labels.model }}: {{ .Labels.reason }}. "
    "{{ end }}"
)

ALERTS: Final = (
    Alert(
        name="TaximeterUnpricedSpend",
        expr=(
            "(\n"
            f"  {_UNPRICED}\n"
            f"    / {_BILLABLE}\n"
            f"    > {UNPRICED_SHARE}\n"
            f"  and {_UNPRICED} >= {UNPRICED_CALLS}\n"
            f") {WITH_OWNER}"
        ),
        severity="warning",
        hold="10m",
        keep_firing="10m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "{{ $value | humanizePercentage }} of today's calls of feature {{ $labels.feature }} "
            f"have no price, so its {_SPENT} today is too low."
        ),
        description=f"{_MODELS}Add a price under `prices:` in taximeter.yaml.",
    ),
    Alert(
        name="TaximeterPriceBookStale",
        expr=f"time() - max({PRICE_BOOK_TIMESTAMP.name} > 0) > {STALE_DAYS} * 86400",
        severity="info",
        hold="1h",
        summary=(
            "No price in use was verified in the last {{ $value | humanizeDuration }}; "
            f"{dollars(chr(96) + _MONTH + chr(96))} of this month was priced with them."
        ),
        description="Providers change prices every few weeks: install a newer price list.",
    ),
)
