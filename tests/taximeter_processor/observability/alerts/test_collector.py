from __future__ import annotations

from pathlib import Path

import pytest

from tests.taximeter_processor.observability.prometheus_tools import (
    Message,
    firing,
    promtool_test,
)

ALERT = "TaximeterCollectorSendFailed"
EXPORTER = "otlp_http/taximeter"
WHO = f'exporter="{EXPORTER}",owner="unowned",team="unknown"'


def failed(values: str, suffix: str = "", **labels: str) -> dict[str, str]:
    shown = {"exporter": EXPORTER, "server_address": "127.0.0.1", **labels}
    matchers = ",".join(f'{name}="{value}"' for name, value in shown.items())
    return {f"otelcol_exporter_send_failed_spans{suffix}{{{matchers}}}": values}


@pytest.mark.parametrize("suffix", ["", "_total"])
def test_it_fires_at_the_first_failure_under_either_name(tmp_path: Path, suffix: str) -> None:
    given = failed("_x20 1x30", suffix)
    promtool_test(tmp_path, given, firing("19m", ALERT), firing("20m", ALERT, WHO))


def test_it_fires_when_failures_go_on(tmp_path: Path) -> None:
    promtool_test(tmp_path, failed("5x30 5+1x30"), firing("35m", ALERT, WHO))


def test_it_resolves_ten_minutes_after_the_last_failure(tmp_path: Path) -> None:
    promtool_test(tmp_path, failed("_x20 1x30"), firing("29m", ALERT, WHO), firing("45m", ALERT))


def test_it_does_not_fire_for_batches_a_shutdown_left_in_the_queue(tmp_path: Path) -> None:
    given = failed("_x20 9x30", error_type="Shutdown")
    promtool_test(tmp_path, given, firing("25m", ALERT))


def test_it_does_not_fire_for_exporters_to_elsewhere(tmp_path: Path) -> None:
    given = failed("_x20 9x30", exporter="otlp/backend")
    promtool_test(tmp_path, given, firing("25m", ALERT))


def test_without_data_it_does_not_fire(tmp_path: Path) -> None:
    promtool_test(tmp_path, {"up{job='otel-collector'}": "1x30"}, firing("25m", ALERT))


def test_the_message_counts_the_lost_spans(tmp_path: Path) -> None:
    message = Message(
        "22m",
        ALERT,
        {"exporter": EXPORTER, "owner": "unowned", "team": "unknown", "severity": "critical"},
        "The Collector dropped 7 spans meant for the cost processor (exporter "
        "otlp_http/taximeter) in the last 10 minutes.",
        "It retries for ever what may succeed later, so these were refused for good: their cost "
        "is in no total.",
    )
    promtool_test(tmp_path, failed("_x20 7x30"), message)
