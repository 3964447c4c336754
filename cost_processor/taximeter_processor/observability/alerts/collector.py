"""Alerts about the OpenTelemetry Collector: spans it could not hand to the cost processor."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import COST
from taximeter_processor.observability.alerts.alert import METER, Alert, dollars
from taximeter_processor.observability.promql import rose

# The suffix depends on the Collector's version and telemetry settings. A batch interrupted by a
# shutdown stays in the persistent queue: that is no failure.
_FAILED = (
    '{__name__=~"otelcol_exporter_send_failed_spans(_total)?",'
    'exporter=~".*taximeter.*",error_type!="Shutdown"}'
)

_QUEUED: Final = 'otelcol_exporter_queue_size{exporter=~".*taximeter.*"}'
_ROOM: Final = 'otelcol_exporter_queue_capacity{exporter=~".*taximeter.*"}'
QUEUE_SHARE: Final = 0.5
_LAST_HOUR: Final = dollars(f'"sum(increase({COST.name}[1h]))"')

ALERTS: Final = (
    Alert(
        name="TaximeterCollectorSendFailed",
        board=METER,
        expr=rose(_FAILED, "10m", by="exporter"),
        severity="critical",
        summary=(
            'The Collector dropped {{ printf "%.0f" $value }} spans meant for the cost processor '
            "(exporter {{ $labels.exporter }}) in the last 10 minutes."
        ),
        description=(
            "It retries for ever what may succeed later, so these were refused for good: "
            "their cost is in no total."
        ),
    ),
    Alert(
        name="TaximeterCollectorQueueFilling",
        board=METER,
        expr=(
            f"max by (exporter) ({_QUEUED})\n  / max by (exporter) ({_ROOM} > 0) > {QUEUE_SHARE}"
        ),
        severity="warning",
        hold="10m",
        summary=(
            "The Collector's queue to the cost processor ({{ $labels.exporter }}) is "
            "{{ $value | humanizePercentage }} full; spend in it is not counted yet, "
            f"{_LAST_HOUR} was in the last hour."
        ),
        description="When it is full, senders are held up, and what they cannot keep is lost.",
    ),
)
