"""The meter's health: ready, keeping up, complete, agreeing with its ledger, its prices fresh."""

from __future__ import annotations

from pathlib import Path

from taximeter_processor.names import (
    BACKFILLED,
    COST,
    COUNTER_HELD,
    INGEST_LAST_COMMIT,
    INGEST_QUEUE_BYTES,
    INGEST_QUEUE_LIMIT,
    LEDGER_COST,
    LEDGER_READY,
    MISSING_SPANS,
    PRICE_BOOK_TIMESTAMP,
    RECOVERED_SPANS,
    RESTATED,
    SPEND,
)
from taximeter_processor.observability.alerts import ALL
from tests.taximeter_processor.observability.prometheus_tools import (
    Expected,
    Message,
    firing,
    promtool_test,
    series,
)

NOT_READY = "TaximeterLedgerNotReady"
LAG = "TaximeterIngestLag"
DRIFT = "TaximeterLedgerDrift"
MISSING = "TaximeterMissingSpans"
STALE = "TaximeterPriceBookStale"
UNTAGGED = "TaximeterUntaggedSpend"
FILLING = "TaximeterCollectorQueueFilling"
METER = 'owner="unowned",team="unknown"'
PROCESSOR = f'job="taximeter",{METER}'


def test_without_data_only_the_watchdog_fires(tmp_path: Path) -> None:
    fire = 'group by (alertname) (ALERTS{alertstate="firing"})'
    expected = Expected("30m", fire, {'{alertname="TaximeterWatchdog"}': 1})
    promtool_test(tmp_path, {'up{job="taximeter",instance="main"}': "1x40"}, expected)
    assert len(ALL) > 20


def test_a_ledger_that_takes_nothing_pages_after_two_minutes(tmp_path: Path) -> None:
    given = {series(LEDGER_READY): "1x5 0x20"}
    moments = [firing("7m", NOT_READY), firing("8m", NOT_READY, METER)]
    promtool_test(tmp_path, given, *moments)


def test_a_ledger_that_takes_commits_again_resolves(tmp_path: Path) -> None:
    given = {series(LEDGER_READY): "1x5 0x10 1x9"}
    moments = [firing("16m", NOT_READY, METER), firing("17m", NOT_READY)]
    promtool_test(tmp_path, given, *moments)


def lag(committed: str, queue: str) -> dict[str, str]:
    return {
        series(INGEST_LAST_COMMIT): committed,
        series(INGEST_QUEUE_BYTES): queue,
        series(INGEST_QUEUE_LIMIT): "1000x60",
    }


def test_spans_that_wait_without_a_commit_page(tmp_path: Path) -> None:
    promtool_test(tmp_path, lag("60x60", "500x60"), firing("25m", LAG, PROCESSOR))


def test_an_idle_processor_does_not_lag(tmp_path: Path) -> None:
    promtool_test(tmp_path, lag("60x60", "0x60"), firing("50m", LAG))


def test_a_queue_nearly_full_pages_although_commits_go_on(tmp_path: Path) -> None:
    promtool_test(tmp_path, lag("0+60x60", "950x60"), firing("25m", LAG, PROCESSOR))


def test_the_lag_is_over_when_the_queue_is_committed(tmp_path: Path) -> None:
    given = lag("60x30 1860+60x30", "500x30 0x30")
    promtool_test(tmp_path, given, firing("30m", LAG, PROCESSOR), firing("32m", LAG))


def money(ledger: str, counted: str = "90x99") -> dict[str, str]:
    """$90 counted, $6 held, $3 back-filled, $2 restated up and $1 down: $100."""
    return {
        series(COST, feature="chat", meter="input"): counted,
        series(COUNTER_HELD): "6x99",
        series(BACKFILLED, feature="chat"): "3x99",
        series(RESTATED, direction="up", reason="reprice"): "2x99",
        series(RESTATED, direction="down", reason="reprice"): "1x99",
        series(LEDGER_COST): ledger,
    }


def test_counters_and_ledger_that_agree_are_no_drift(tmp_path: Path) -> None:
    promtool_test(tmp_path, money("100x99"), firing("90m", DRIFT))


def test_half_a_percent_between_them_is(tmp_path: Path) -> None:
    promtool_test(tmp_path, money("100.5x99"), firing("29m", DRIFT), firing("31m", DRIFT, METER))


def test_two_writers_of_one_ledger_are_no_drift(tmp_path: Path) -> None:
    given = money("190x99") | {
        series(COST, feature="chat", meter="input", instance="b"): "90x99",
        series(COUNTER_HELD, instance="b"): "0x99",
        series(LEDGER_COST, instance="b"): "190x99",
        series(RESTATED, direction="up", reason="reprice", instance="b"): "2x99",
        series(RESTATED, direction="down", reason="reprice", instance="b"): "1x99",
    }
    promtool_test(tmp_path, given, firing("90m", DRIFT))


def test_drift_resolves_when_the_sums_agree_again(tmp_path: Path) -> None:
    given = money("100.5x50 100x40")
    promtool_test(tmp_path, given, firing("50m", DRIFT, METER), firing("52m", DRIFT))


def gaps(missing: str, recovered: str = "") -> dict[str, str]:
    def shown(metric: object) -> str:
        return f'{metric}{{service="shop",instance="main",job="taximeter"}}'

    given = {shown(MISSING_SPANS.name): missing}
    return given | ({shown(RECOVERED_SPANS.name): recovered} if recovered else {})


def test_spans_that_never_come_are_told(tmp_path: Path) -> None:
    given = gaps("0x30 20x60")
    promtool_test(tmp_path, given, firing("30m", MISSING), firing("45m", MISSING, METER))


def test_spans_that_came_after_all_are_not(tmp_path: Path) -> None:
    given = gaps("0x30 20x60", "0x30 20x60")
    promtool_test(tmp_path, given, firing("45m", MISSING))


def test_a_handful_is_not_told(tmp_path: Path) -> None:
    promtool_test(tmp_path, gaps("0x30 5x60"), firing("45m", MISSING))


def test_an_hour_after_the_last_gap_it_is_over(tmp_path: Path) -> None:
    promtool_test(tmp_path, gaps("0x30 20x90"), firing("100m", MISSING))


def book(verified: str) -> dict[str, str]:
    return {
        series(PRICE_BOOK_TIMESTAMP): verified,
        series(SPEND, window="month", feature="a"): "7x2000",
    }


def test_a_price_book_of_forty_six_days_is_stale(tmp_path: Path) -> None:
    given = book("1x2000")
    moments = [firing("1079h", STALE), firing("1083h", STALE, METER)]
    promtool_test(tmp_path, given, *moments, interval="1h")


def test_a_new_price_book_ends_it(tmp_path: Path) -> None:
    given = book(f"1x1090 {1085 * 3600}x40")
    promtool_test(tmp_path, given, firing("1092h", STALE), interval="1h")


def tagged(unknown: str, known: str) -> dict[str, str]:
    return {
        series(SPEND, feature="unknown", window="today"): unknown,
        series(SPEND, feature="chat", window="today"): known,
    }


def test_a_tenth_of_the_spend_without_a_feature_is_told(tmp_path: Path) -> None:
    message = Message(
        "70m",
        UNTAGGED,
        {"owner": "unowned", "team": "unknown", "severity": "warning"},
        "10% of today's spend names no feature: $10.00 of $100.00.",
        "`taximeter costs --where feature=unknown --by service_name` says whose it is.",
    )
    promtool_test(tmp_path, tagged("10x90", "90x90"), firing("59m", UNTAGGED), message)


def test_a_few_dollars_without_a_feature_are_not(tmp_path: Path) -> None:
    promtool_test(tmp_path, tagged("4x90", "9x90"), firing("90m", UNTAGGED))


def test_one_percent_without_a_feature_is_not(tmp_path: Path) -> None:
    promtool_test(tmp_path, tagged("10x90", "990x90"), firing("90m", UNTAGGED))


def test_tags_end_it(tmp_path: Path) -> None:
    given = tagged("10x70 0x30", "90x70 100x30")
    promtool_test(tmp_path, given, firing("90m", UNTAGGED))


def queue(
    size: str, capacity: str = "1000x60", exporter: str = "otlp_http/taximeter"
) -> dict[str, str]:
    labels = f'{{exporter="{exporter}",job="otel-collector"}}'
    return {
        f"otelcol_exporter_queue_size{labels}": size,
        f"otelcol_exporter_queue_capacity{labels}": capacity,
    }


WAITING = f'exporter="otlp_http/taximeter",{METER}'


def test_a_queue_more_than_half_full_is_told(tmp_path: Path) -> None:
    given = queue("0x20 600x30")
    promtool_test(tmp_path, given, firing("30m", FILLING), firing("31m", FILLING, WAITING))


def test_a_queue_less_than_half_full_is_not(tmp_path: Path) -> None:
    promtool_test(tmp_path, queue("400x50"), firing("45m", FILLING))


def test_a_queue_to_elsewhere_is_not_ours(tmp_path: Path) -> None:
    promtool_test(tmp_path, queue("900x50", exporter="otlp/backend"), firing("45m", FILLING))


def test_a_drained_queue_is_over(tmp_path: Path) -> None:
    given = queue("600x30 10x20")
    promtool_test(tmp_path, given, firing("30m", FILLING, WAITING), firing("32m", FILLING))
