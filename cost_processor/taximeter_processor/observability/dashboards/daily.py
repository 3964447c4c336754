"""The dashboard "AI cost: daily view": how much, for whom, since when, can it be trusted."""

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
from taximeter_processor.observability.alerts.meter import PROCESSOR_JOB
from taximeter_processor.observability.dashboards.board import Panel, Section, build_board
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

# Two metrics can be compared only under filters both can follow.
_SPEND: Final = shared_filters(names.SPEND)
_CALLS: Final = shared_filters(names.SPEND, names.SPEND_REQUESTS)
_SAME_TIME: Final = shared_filters(names.SPEND, names.SPEND_SAME_TIME)
_TENANTS: Final = shared_filters(names.TENANT_SPEND)


def build() -> dict[str, object]:
    """The dashboard's JSON."""
    return build_board(
        UID,
        "AI cost: daily view",
        "What LLM calls cost today, against what is usual, and who to ask. Amounts are exact, from "
        "the ledger, in its reporting time zone; rates come from counters.",
        [
            Section("How much", [*_totals(), _budgets(), _firing_alerts(), *_shares()]),
            Section("For whom", [_by_feature(), _by_tenant(), *_by_label()]),
            Section("Since when", [_spend_rate(), _spend_by_day()]),
            Section("Can it be trusted", [*_meter_health(), _refusals()]),
        ],
    )


def _spent(window: str, filters: tuple[str, ...] = _SPEND, /, **labels: str) -> str:
    return f"sum({select(RULE_SPEND, filters, window=window, **labels)})"


def _calls_today(status: str) -> str:
    return f"sum({select(RULE_SPEND_REQUESTS, _CALLS, status=status, window='today')})"


def _note(filters: tuple[str, ...]) -> str:
    """Says which of the board's filters a panel cannot follow."""
    missing = [name.replace("_", " ") for name in FILTERS if name not in filters]
    return f" Not narrowed by {', '.join(missing)}." if missing else ""


def _totals() -> list[Panel]:
    return [
        number(
            Frame("Spend today", "Since midnight, exact, from the ledger.", 4, 4),
            Query(f"{_spent('today')} or vector(0)", "today"),
        ),
        _against("yesterday", "yesterday"),
        _against("last week", "last_week"),
        number(
            Frame("Month to date", "This month so far, and all of last month.", 4, 4),
            Query(f"{_spent('month')} or vector(0)", "this month"),
            Query(f"{_spent('last_month')} or vector(0)", "last month"),
        ),
        number(
            Frame("Calls today", f"All calls, priced or not.{_note(_CALLS)}", 3, 4, COUNT, 0),
            Query(f"{_calls_today('=~.+')} or vector(0)", "calls"),
        ),
        number(
            Frame(
                "Cost per call today",
                f"Spend divided by priced calls.{_note(_CALLS)}",
                width=3,
                height=4,
                decimals=6,
            ),
            Query(f"{_spent('today', _CALLS)} / ({_calls_today('priced')} > 0)", "per call"),
        ),
    ]


def _against(day: str, window: str) -> Panel:
    then = f"sum({select(RULE_SPEND_SAME_TIME, _SAME_TIME, window=window)})"
    today = f"({_spent('today', _SAME_TIME)} or vector(0))"
    return number(
        Frame(
            f"Against the same time {day}",
            f"Spend from midnight to this time {day}, and how today differs.{_note(_SAME_TIME)}",
            width=5,
            height=4,
        ),
        Query(f"{then} or vector(0)", day),
        Query(f"{today} / ({then} > 0) - 1", "change"),
        shares=["change"],
    )


def _budgets() -> Panel:
    return bars(
        Frame(
            "Budgets used",
            "Spent share of each budget in its current period. Not narrowed by any filter.",
            width=8,
            height=6,
            unit=SHARE,
            decimals=0,
        ),
        Query(f"{RULE_BUDGET_SPENT} / ({RULE_BUDGET} > 0)", "{{budget}}, {{period}} ({{owner}})"),
        steps=[(0.8, "orange"), (1, "red")],
        top=1,
    )


def _firing_alerts() -> Panel:
    alerts = select("ALERTS", alertname="=~Taximeter.*", alertstate="firing", severity="!=none")
    return rows(
        Frame("Firing alerts", "What fires now, and who was told.", 7, 6, COUNT, 0),
        {"alertname": "Alert", "owner": "Owner", "feature": "Feature", "severity": "Severity"},
        {"Alerts": Query(f"count by (alertname, owner, feature, severity) ({alerts})")},
    )


def _shares() -> list[Panel]:
    tagged = dict.fromkeys(("feature", "team", "request_type"), f"!={UNKNOWN_VALUE}")
    saved = select(names.SAVED.name, FILTERS, source="=~prompt_cache|response_cache")
    return [
        _share(
            "Unpriced calls today",
            f"Share of calls whose cost is not known: no amount contains them.{_note(_CALLS)}",
            f"({_calls_today('unpriced')} or vector(0))"
            f" / ({_calls_today('=~priced|unpriced')} > 0)",
            (0.001, 0.01),
        ),
        _share(
            "Untagged spend today",
            "Share of spend without a feature, a team or a request type.",
            f"1 - ({_spent('today', **tagged)} or vector(0)) / ({_spent('today')} > 0)",
            (0.02, 0.1),
        ),
        number(
            Frame(
                "Saved by caching",
                "In the selected range, by prompt and response caches; from counters, ± 0.1 %.",
                width=3,
                height=6,
            ),
            Query(f"sum(increase({saved}[$__range])) or vector(0)", "saved"),
        ),
    ]


def _share(title: str, description: str, expr: str, limits: tuple[float, float]) -> Panel:
    orange, red = limits
    return number(
        Frame(title, description, 3, 6, SHARE, 1),
        Query(expr, "share"),
        steps=[(orange, "orange"), (red, "red")],
    )


def _by_feature() -> Panel:
    owned = f"* on (feature) group_left (owner) {RULE_OWNER}"

    def spent(rule: str, filters: tuple[str, ...], window: str) -> Query:
        return Query(f"sum by (feature) ({select(rule, filters, window=window)}) {owned}")

    return rows(
        Frame(
            "Cost by feature",
            "Exact spend and who answers for it. The column of last week is up to the same time."
            + _note(_SAME_TIME).replace("Not", "It is not"),
            width=14,
            height=10,
        ),
        {"feature": "Feature", "owner": "Owner"},
        {
            "Today": spent(RULE_SPEND, _SPEND, "today"),
            "Last week": spent(RULE_SPEND_SAME_TIME, _SAME_TIME, "last_week"),
            "Yesterday": spent(RULE_SPEND, _SPEND, "yesterday"),
            "Month": spent(RULE_SPEND, _SPEND, "month"),
        },
        link=(
            "Feature",
            "Show only this feature",
            f"/d/{UID}?var-feature=${{__value.raw:percentencode}}&${{__url_time_range}}",
        ),
    )


def _by_tenant() -> Panel:
    def spent(window: str) -> Query:
        series = select(RULE_TENANT_SPEND, _TENANTS, window=window)
        return Query(f"sum by (tenant, team) ({series})")

    return rows(
        Frame(
            "Cost by tenant",
            f"The month's largest tenants; all others are `other`.{_note(_TENANTS)}",
            width=10,
            height=10,
        ),
        {"tenant": "Tenant", "team": "Team"},
        {"Today": spent("today"), "Last hour": spent("1h"), "Month": spent("month")},
    )


def _by_label() -> list[Panel]:
    spend = select(RULE_SPEND, _SPEND, window="today")
    return [
        bars(
            Frame(f"Cost by {label.replace('_', ' ')} today", "The 15 largest, exact.", 8, 8),
            Query(f"topk(15, sum by ({label}) ({spend}))", f"{{{{{label}}}}}"),
        )
        for label in ("team", "request_type", "model")
    ]


def _spend_rate() -> Panel:
    spend = select(names.COST.name, FILTERS)
    return trend(
        Frame(
            "Spend rate by feature, per hour",
            "Shape, from counters: spans that arrive more than an hour late are not in it.",
            width=14,
            height=9,
        ),
        Query(f"sum by (feature) (rate({spend}[$__rate_interval])) * 3600", "{{feature}}"),
    )


def _spend_by_day() -> Panel:
    # Read at 01:00 on the day after, when the gauge has turned and late spans are in; drawn at
    # the start of its own day.
    spend = f"{select(RULE_SPEND, _SPEND, window='yesterday')} offset -25h"
    return trend(
        Frame(
            "Spend by day and feature",
            "Exact totals of the last 30 whole days, as far back as Prometheus remembers.",
            width=10,
            height=9,
        ),
        Query(f"sum by (feature) ({spend})", "{{feature}}"),
        last="30d",
        step="1d",
    )


def _meter_health() -> list[Panel]:
    queue, limit = names.INGEST_QUEUE_BYTES.name, names.INGEST_QUEUE_LIMIT.name
    return [
        number(
            Frame("Processors", "Whether each one answers Prometheus.", 4, 6, COUNT, 0),
            Query(f"max by (instance) ({select('up', job=PROCESSOR_JOB)})", "{{instance}}"),
            texts={"0": "down", "1": "up"},
        ),
        number(
            Frame(
                "Since the last commit",
                "Age of the newest batch in the ledger: long when nothing is sent, or is stuck.",
                width=4,
                height=6,
                unit=SECONDS,
                decimals=0,
            ),
            Query(f"time() - max({names.INGEST_LAST_COMMIT.name} > 0)", "ago"),
        ),
        number(
            Frame(
                "Queue used",
                "Share of the queue before the ledger; when full, senders are asked to wait.",
                width=4,
                height=6,
                unit=SHARE,
                decimals=1,
            ),
            Query(f"max by (instance) ({queue} / {limit})", "{{instance}}"),
            steps=[(0.5, "orange"), (0.9, "red")],
        ),
    ]


def _refusals() -> Panel:
    return trend(
        Frame(
            "Rejected spans and dead letters",
            "What was received and is in no total, by reason.",
            width=12,
            height=6,
            unit=COUNT,
            decimals=0,
        ),
        *(
            Query(
                f"sum by (reason) (increase({metric.name}[$__rate_interval]))",
                f"{words}: {{{{reason}}}}",
            )
            for words, metric in (
                ("rejected", names.INGEST_REJECTED),
                ("dead letter", names.DEAD_LETTERS),
            )
        ),
    )
