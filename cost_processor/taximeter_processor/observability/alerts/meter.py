"""Alerts about the meter itself: while it does not run, spend is not seen."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import (
    BACKFILLED,
    COST,
    COUNTER_HELD,
    DEAD_LETTERS,
    INGEST_LAST_COMMIT,
    INGEST_QUEUE_BYTES,
    INGEST_QUEUE_LIMIT,
    LEDGER_COST,
    LEDGER_READY,
    MISSING_SPANS,
    RECOVERED_SPANS,
    RESTATED,
)
from taximeter_processor.observability.alerts.alert import (
    METER,
    PROCESSOR_DOWN,
    WATCHDOG,
    Alert,
    dollars,
)
from taximeter_processor.observability.promql import rose, select

PROCESSOR_JOB: Final = "taximeter"

_LAST_HOUR = dollars(f'"sum(increase({COST.name}[1h] offset 10m))"')

LAG_SECONDS: Final = 600
MISSING: Final = 10
DRIFT: Final = 0.001

_UP: Final = select(RESTATED.name, direction="up")
_DOWN: Final = select(RESTATED.name, direction="down")
# Every process has counters of its own and the same ledger; restatements are the ledger's too.
_COUNTED: Final = (
    f"(sum({COST.name}) + sum({COUNTER_HELD.name}) + (sum({BACKFILLED.name}) or vector(0))\n"
    f"  + (sum(max by (reason) ({_UP})) or vector(0))\n"
    f"  - (sum(max by (reason) ({_DOWN})) or vector(0)))"
)
_LEDGER: Final = f"max({LEDGER_COST.name})"
# Counted as missing, less what came after all.
_LOST: Final = (
    f"(sum by (service) (increase({MISSING_SPANS.name}[1h]))\n"
    f"  - (sum by (service) (increase({RECOVERED_SPANS.name}[1h])) or sum by (service) "
    f"({MISSING_SPANS.name}) * 0))"
)

ALERTS: Final = (
    Alert(
        name=PROCESSOR_DOWN,
        board=METER,
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
        board=METER,
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
        name="TaximeterLedgerNotReady",
        board=METER,
        expr=f"min by (instance) ({LEDGER_READY.name}) == 0",
        severity="critical",
        hold="2m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "The ledger of processor {{ $labels.instance }} accepts no commits: spend waits in the "
            "Collector."
        ),
        description=f"{_LAST_HOUR} an hour was counted before. Senders are told to retry.",
    ),
    Alert(
        name="TaximeterIngestLag",
        board=METER,
        expr=(
            f"time() - {INGEST_LAST_COMMIT.name} > {LAG_SECONDS}\n"
            f"  and {INGEST_QUEUE_BYTES.name} > 0\n"
            f"or {INGEST_QUEUE_BYTES.name} / {INGEST_QUEUE_LIMIT.name} > 0.9"
        ),
        severity="critical",
        hold="5m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "Processor {{ $labels.instance }} does not keep up: spans wait and are not committed, "
            f"where {_LAST_HOUR} an hour was counted before."
        ),
        description="Either nothing was committed for 10 minutes, or its queue is 90 % full.",
    ),
    Alert(
        name="TaximeterLedgerDrift",
        board=METER,
        expr=(f"abs({_COUNTED}\n  - {_LEDGER})\n  / ({_LEDGER} > 1) > {DRIFT}"),
        severity="warning",
        hold="30m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            "Counters and ledger differ by {{ $value | humanizePercentage }} of "
            f"{dollars(f'{chr(34)}{_LEDGER}{chr(34)}')}."
        ),
        description=(
            "They are the same sum by construction. A writer that is gone and no longer scraped "
            "has rows in the ledger and no counters."
        ),
    ),
    Alert(
        name="TaximeterMissingSpans",
        board=METER,
        expr=f"{_LOST} >= {MISSING}",
        severity="warning",
        hold="10m",
        inhibited_by=PROCESSOR_DOWN,
        summary=(
            '{{ printf "%.0f" $value }} spans of service {{ $labels.service }} never came in the '
            f"last hour, in which {dollars(f'{chr(34)}sum(increase({COST.name}[1h])){chr(34)}')} "
            "was counted in all: their cost is in no total."
        ),
        description="The service numbers its spans; these numbers are missing.",
    ),
    Alert(
        name=WATCHDOG,
        board=METER,
        expr="vector(1)",
        severity="none",
        summary="Alerting works: this alert always fires.",
        description="Send it to a dead man's switch, which calls when it stops arriving.",
    ),
)
