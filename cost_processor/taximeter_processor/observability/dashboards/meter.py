"""The dashboard "AI cost: the meter": whether everything is received, priced and counted."""

from __future__ import annotations

from typing import Final

from taximeter_processor import names
from taximeter_processor.names import Metric
from taximeter_processor.observability.alerts.meter import PROCESSOR_JOB
from taximeter_processor.observability.dashboards import money
from taximeter_processor.observability.dashboards.board import Head, Panel, Section, build_board
from taximeter_processor.observability.dashboards.panels import (
    COUNT,
    SECONDS,
    SHARE,
    Frame,
    Query,
    Unit,
    lines,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import REPLICA_LABELS, rose, select

UID: Final = "taximeter-meter"
BYTES: Final = "bytes"
_DAY: Final = 86_400


def build(runbooks_url: str) -> dict[str, object]:
    """The dashboard's JSON."""
    head = Head(
        UID,
        "AI cost: the meter",
        "Whether the numbers of the other dashboards can be trusted: what came, what did not, what "
        "has no price, and whether counters and ledger agree. Of all processors together unless an "
        "instance is named.",
        filters=(),
    )
    sections = [
        Section("Is it running", [*_running(), *_keeping_up()]),
        Section("Does everything arrive", [*_missing(), _spans(), _answers()]),
        Section("Is everything counted", [_kept_out(), _unknown_keys(), _usage(), *_agreement()]),
        Section("Does everything have a price", [*_price_book(), _unpriced()]),
        Section("Is there room", [*_room(), _ledger_size()]),
    ]
    return build_board(head, sections, runbooks_url)


def _running() -> list[Panel]:
    return [
        number(
            Frame("Processors", "Whether each one answers Prometheus.", 6, 4, COUNT, 0),
            Query(f"max by (instance) ({select('up', job=PROCESSOR_JOB)})", "{{instance}}"),
            texts={"0": "down", "1": "up"},
        ),
        number(
            Frame("Ledger", "Whether each processor's ledger accepts commits.", 6, 4, COUNT, 0),
            Query(f"min by (instance) ({names.LEDGER_READY.name})", "{{instance}}"),
            texts={"0": "refuses", "1": "accepts"},
        ),
        _age("Since the last commit", "Age of the newest batch.", names.INGEST_LAST_COMMIT),
        _age("Since the newest call", "Age of the newest call's start.", names.INGEST_NEWEST),
    ]


def _age(title: str, description: str, metric: Metric) -> Panel:
    return number(
        Frame(
            title,
            f"{description} Long when nothing is sent, or is stuck.",
            width=6,
            height=4,
            unit=SECONDS,
            decimals=0,
        ),
        Query(f"time() - max({metric.name} > 0)", "ago"),
    )


def _keeping_up() -> list[Panel]:
    queue, limit = names.INGEST_QUEUE_BYTES.name, names.INGEST_QUEUE_LIMIT.name
    bucket = f"{names.LEDGER_COMMIT_SECONDS.name}_bucket"
    failed = select(names.LEDGER_COMMITS.name, result="failed")
    return [
        lines(
            Frame(
                "Queue used",
                "Share of the queue before the ledger; when full, senders are asked to wait.",
                width=8,
                height=7,
                unit=SHARE,
                decimals=1,
            ),
            Query(f"max by (instance) ({queue} / {limit})", "{{instance}}"),
        ),
        lines(
            Frame(
                "Time of a commit, 95th percentile",
                "Estimated from the histogram; a commit takes all that waits.",
                width=8,
                height=7,
                unit=SECONDS,
                decimals=3,
            ),
            Query(
                "histogram_quantile(0.95, sum by (instance, le) "
                f"(rate({bucket}[$__rate_interval])))",
                "{{instance}}",
            ),
        ),
        trend(
            Frame(
                "Commits that failed",
                "Each was answered 503, so that the sender sends it again.",
                width=8,
                height=7,
                unit=COUNT,
                decimals=0,
            ),
            Query(f"sum by (instance) (increase({failed}[$__interval]))", "{{instance}}"),
            step="1h",
        ),
    ]


def _missing() -> list[Panel]:
    lost, found = names.MISSING_SPANS.name, names.RECOVERED_SPANS.name
    came = f"(sum({rose(found, '$__range', 'service')}) or vector(0))"
    really = f"sum({rose(lost, '$__range', 'service')}) - {came}"
    return [
        number(
            Frame(
                "Missing spans",
                "In the selected range: numbered by the instrumentation, and not come 10 minutes "
                "later nor since.",
                width=6,
                height=7,
                unit=COUNT,
                decimals=0,
            ),
            Query(f"{really} or vector(0)", "spans"),
            steps=[(1, "orange"), (100, "red")],
        ),
    ]


def _spans() -> Panel:
    return trend(
        Frame(
            "Spans by outcome",
            "Calls, spans that are no calls, repeats of what is counted already, and rejected.",
            width=9,
            height=7,
            unit=COUNT,
            decimals=0,
        ),
        Query(
            f"sum by (outcome) (increase({names.INGEST_SPANS.name}[$__interval]))",
            "{{outcome}}",
        ),
        step="1h",
    )


def _answers() -> Panel:
    return trend(
        Frame(
            "Requests by HTTP status",
            "503 asks to try again; 400, 401, 403, 413 and 415 are final.",
            width=9,
            height=7,
            unit=COUNT,
            decimals=0,
        ),
        Query(
            f"sum by (status) (increase({names.INGEST_REQUESTS.name}[$__interval]))",
            "{{status}}",
        ),
        step="1h",
    )


def _risen(metric: Metric, by: str) -> Query:
    """By how much a counter rose in the selected range; it may be born by what it counts."""
    return Query(rose(metric.name, "$__range", by))


def _kept_out() -> Panel:
    return rows(
        Frame(
            "Received and in no total",
            "In the selected range, by reason: rejected spans, and all that was kept as dead "
            "letters (`taximeter dead-letters` lists them).",
            width=8,
            height=8,
            unit=COUNT,
            decimals=0,
        ),
        {"reason": "Reason"},
        {
            "Rejected": _risen(names.INGEST_REJECTED, "reason"),
            "Dead letters": _risen(names.DEAD_LETTERS, "reason"),
        },
    )


def _unknown_keys() -> Panel:
    return rows(
        Frame(
            "Usage that nobody reads",
            "In the selected range: attributes that look like usage and that no dialect knows.",
            width=8,
            height=8,
            unit=COUNT,
            decimals=0,
        ),
        {"key": "Attribute"},
        {"Spans": _risen(names.UNKNOWN_USAGE_KEYS, "key")},
    )


def _usage() -> Panel:
    return rows(
        Frame(
            "How usage is known",
            "Calls in the selected range: told by the provider, missing, of a call that was broken "
            "off, or estimated.",
            width=8,
            height=8,
            unit=COUNT,
            decimals=0,
        ),
        {"status": "Usage", "provider": "Provider"},
        {"Calls": _risen(names.USAGE_STATUS, "status, provider")},
    )


def _agreement() -> list[Panel]:
    without = ", ".join(REPLICA_LABELS)

    def restated(direction: str) -> str:
        series = select(names.RESTATED.name, direction=direction)
        return f"(sum(max without ({without}) ({series})) or vector(0))"

    counted = " + ".join(
        f"(sum({metric.name}) or vector(0))"
        for metric in (names.COST, names.COUNTER_HELD, names.BACKFILLED)
    )
    return [
        number(
            Frame(
                "Ledger less counters",
                "What the ledger holds beyond the counters of all processors, restatements taken "
                "into account: nothing, while all writers are scraped and within a commit's time.",
                width=8,
                height=4,
                decimals=6,
            ),
            Query(
                f"max({names.LEDGER_COST.name}) - ({counted}\n"
                f"+ {restated('up')} - {restated('down')})",
                "difference",
            ),
        ),
        number(
            Frame(
                "Cost in the ledger",
                "Of every call that is kept, as priced now; and what was changed after it was "
                "first counted.",
                width=8,
                height=4,
            ),
            Query(f"max({names.LEDGER_COST.name})", "all"),
            Query(f"{restated('up')} + {restated('down')}", "restated"),
        ),
        number(
            Frame(
                "Not in the rates",
                "Back-filled for good, and held for two minutes so that its birth is seen: in "
                "every total, in no rate.",
                width=8,
                height=4,
            ),
            Query(f"sum({names.BACKFILLED.name}) or vector(0)", "back-filled"),
            Query(f"sum({names.COUNTER_HELD.name})", "held"),
        ),
    ]


def _price_book() -> list[Panel]:
    priced = select(names.REQUESTS.name, status="priced")
    every = select(names.REQUESTS.name, status="=~priced|unpriced")
    return [
        rows(
            Frame("Price book", "In use, and by how many processors.", 8, 7, COUNT, 0),
            {"version": "Version"},
            {"Processors": Query(f"count by (version) ({names.PRICE_BOOK_INFO.name})")},
        ),
        number(
            Frame(
                "Age of the price book",
                "Since the newest day on which the catalogue says it verified a price.",
                width=4,
                height=7,
                unit="d",
                decimals=0,
            ),
            Query(f"(time() - min({names.PRICE_BOOK_TIMESTAMP.name})) / {_DAY}", "days"),
            steps=[(30, "orange"), (90, "red")],
        ),
        number(
            Frame(
                "Priced calls",
                "Share of the calls in the selected range whose cost is known.",
                width=4,
                height=7,
                unit=SHARE,
                decimals=2,
            ),
            Query(
                f"sum(increase({priced}[$__range])) / (sum(increase({every}[$__range])) > 0)",
                "priced",
            ),
        ),
    ]


def _unpriced() -> Panel:
    return rows(
        Frame(
            "Calls without a price",
            "In the selected range. `taximeter prices` shows how to give one.",
            width=8,
            height=7,
            unit=COUNT,
            decimals=0,
        ),
        {"provider": "Provider", "model": "Model", "reason": "Reason"},
        {"Calls": _risen(names.UNPRICED, "provider, model, reason")},
        units={"Calls": money.CALL_COUNT},
    )


def _room() -> list[Panel]:
    return [
        number(
            Frame(
                "Label sets used",
                "Share of the cost label sets; past the limit models become `other`.",
                width=6,
                height=7,
                unit=SHARE,
                decimals=1,
            ),
            Query(f"max({names.LABEL_SETS.name} / {names.LABEL_SETS_LIMIT.name})", "used"),
            steps=[(0.8, "orange"), (1, "red")],
        ),
        number(
            Frame(
                "Tag values that broke the policy",
                "In the selected range, and calls whose labels became `other`.",
                width=6,
                height=7,
                unit=COUNT,
                decimals=0,
            ),
            Query(
                f"sum({rose(names.TAG_VIOLATIONS.name, '$__range', 'tag')}) or vector(0)",
                "tag values",
            ),
            Query(f"sum(increase({names.LABEL_OVERFLOW.name}[$__range])) or vector(0)", "other"),
        ),
    ]


def _ledger_size() -> Panel:
    return number(
        Frame("Size of the ledger", "Calls that are kept, and bytes on disk.", 12, 7, COUNT, 1),
        Query(f"max({names.LEDGER_ROWS.name})", "calls"),
        Query(f"max({names.LEDGER_BYTES.name})", "size"),
        units={"size": Unit(BYTES, 1)},
    )
