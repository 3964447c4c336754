"""Alerts about the OpenTelemetry Collector: spans it could not hand to the cost processor."""

from __future__ import annotations

from typing import Final

from taximeter_processor.observability.alerts.alert import Alert
from taximeter_processor.observability.promql import rose

# The suffix depends on the Collector's version and telemetry settings. A batch interrupted by a
# shutdown stays in the persistent queue: that is no failure.
_FAILED = (
    '{__name__=~"otelcol_exporter_send_failed_spans(_total)?",'
    'exporter=~".*taximeter.*",error_type!="Shutdown"}'
)

ALERTS: Final = (
    Alert(
        name="TaximeterCollectorSendFailed",
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
)
