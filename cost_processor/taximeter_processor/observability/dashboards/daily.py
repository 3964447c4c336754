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
from taximeter_processor.observability.dashboards import board
from taximeter_processor.observability.dashboards.board import Panel, Section
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


def _note(filters: tuple[str, ...]) -> str:
    """Says which of the board's filters a panel cannot follow."""
    missing = [name.replace("_", " ") for name in FILTERS if name not in filters]
    return f" Not narrowed by {', '.join(missing)}." if missing else ""


def _how_much() -> list[Panel]:
    return [
        number(
            Frame("Spend today", "Since midnight, exact, from the ledger.", 4, 4),
            Query(f"{_TODAY} or vector(0)", "today"),
        ),
        _against("yesterday", "yesterday", "the same time yesterday"),
        _against("last_week", "last week", "the same time last week"),
        number(
            Frame("Month to date", "This month so far, and all of last month.", 4, 4),
            *(
                Query(f"sum({select(RULE_SPEND, _SPEND, window=window)}) or vector(0)", legend)
                for window, legend in (("month", "this month"), ("last_month", "last month"))
            ),
        ),
        number(
            Frame("Calls today", f"All calls, priced or not.{_note(_REQUESTS)}", 3, 4, COUNT, 0),
            Query(f"{_calls(window='today')} or vector(0)", "calls"),
        ),
        number(
            Frame(
                "Cost per call today",
                f"Spend divided by priced calls.{_note(_REQUESTS)}",
                3,
                4,
                decimals=6,
            ),
            Query(f"{_spend_like_calls()} / ({_calls(status='priced', window='today')} > 0)"),
        ),
    ]


def _against(window: str, legend: str, words: str) -> Panel:
    today = f"sum({select(RULE_SPEND, _SAME_TIME, window='today')})"
    then = f"sum({select(RULE_SPEND_SAME_TIME, _SAME_TIME, window=window)})"
    return number(
        Frame(
            f"Against {words}",
            f"Spend from midnight to {words}, and how today differs.{_note(_SAME_TIME)}",
            5,
            4,
        ),
        Query(f"{then} or vector(0)", legend),
        Query(f"({today} or vector(0)) / ({then} > 0) - 1", "change"),
        shares=["change"],
    )


def _calls(**labels: str) -> str:
    return f"sum({select(RULE_SPEND_REQUESTS, _REQUESTS, **labels)})"


def _spend_like_calls() -> str:
    return f"sum({select(RULE_SPEND, _REQUESTS, window='today')})"


def _position() -> list[Panel]:
    return [
        bars(
            Frame(
                "Budgets used",
                "Spent share of each budget in its current period. Not narrowed by any filter.",
                8,
                6,
                SHARE,
                0,
            ),
            Query(
                f"{RULE_BUDGET_SPENT} / ({RULE_BUDGET} > 0)", "{{budget}}, {{period}} ({{owner}})"
            ),
            steps=[(0.8, "orange"), (1, "red")],
            top=1,
        ),
        rows(
            Frame("Firing alerts", "What fires now, and who was told.", 7, 6, COUNT, 0),
            {"alertname": "Alert", "owner": "Owner", "feature": "Feature", "severity": "Severity"},
            {"Alerts": Query(_firing_alerts())},
        ),
        number(
            Frame(
                "Unpriced calls today",
                "Share of calls whose cost is not known: every amount is too low by them."
                + _note(_REQUESTS),
                3,
                6,
                SHARE,
                1,
            ),
            Query(
                f"({_calls(status='unpriced', window='today')} or vector(0))"
                f" / ({_calls(status=_PRICED_OR_NOT, window='today')} > 0)"
            ),
            steps=[(0.001, "orange"), (0.01, "red")],
        ),
        number(
            Frame(
                "Untagged spend today",
                "Share of spend without a feature, a team or a request type.",
                3,
                6,
                SHARE,
                1,
            ),
            Query(f"1 - ({_tagged()} or vector(0)) / ({_TODAY} > 0)"),
            steps=[(0.02, "orange"), (0.1, "red")],
        ),
        number(
            Frame(
                "Saved by caching",
                "In the selected range, by prompt caches and response caches; from counters, "
                "within 0.1 %.",
                3,
                6,
            ),
            Query(f"sum(increase({_cache_savings()}[$__range])) or vector(0)", "saved"),
        ),
    ]


def _firing_alerts() -> str:
    alerts = select("ALERTS", alertname="=~Taximeter.*", alertstate="firing", severity="!=none")
    return f"count by (alertname, owner, feature, severity) ({alerts})"


def _tagged() -> str:
    tags = dict.fromkeys(("feature", "team", "request_type"), f"!={UNKNOWN_VALUE}")
    return f"sum({select(RULE_SPEND, _SPEND, window='today', **tags)})"


def _cache_savings() -> str:
    return select(names.SAVED.name, FILTERS, source="=~prompt_cache|response_cache")


def _by_feature() -> Panel:
    owned = f"* on (feature) group_left (owner) {RULE_OWNER}"

    def spent(rule: str, filters: tuple[str, ...], window: str) -> Query:
        return Query(f"sum by (feature) ({select(rule, filters, window=window)}) {owned}")

    return rows(
        Frame(
            "Cost by feature",
            f"Exact spend and who answers for it. Last week's column:{_note(_SAME_TIME).lower()}",
            14,
            10,
        ),
        {"feature": "Feature", "owner": "Owner"},
        {
            "Today": spent(RULE_SPEND, _SPEND, "today"),
            "Last week, same time": spent(RULE_SPEND_SAME_TIME, _SAME_TIME, "last_week"),
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
    windows = {"Today": "today", "Last hour": "1h", "Month": "month"}
    return rows(
        Frame(
            "Cost by tenant",
            f"The month's largest tenants; all others are `other`.{_note(_TENANTS)}",
            10,
            10,
        ),
        {"tenant": "Tenant", "team": "Team"},
        {
            heading: Query(
                f"sum by (tenant, team) ({select(RULE_TENANT_SPEND, _TENANTS, window=window)})"
            )
            for heading, window in windows.items()
        },
    )


def _by_label() -> list[Panel]:
    return [
        bars(
            Frame(f"Cost by {words} today", "The 15 largest; exact, from the ledger.", 8, 8),
            Query(
                f"topk(15, sum by ({label}) ({select(RULE_SPEND, _SPEND, window='today')}))",
                f"{{{{{label}}}}}",
            ),
        )
        for label, words in (("team", "team"), ("request_type", "request type"), ("model", "model"))
    ]


def _trends() -> list[Panel]:
    counted = select(names.COST.name, FILTERS)
    # Read at 01:00 the day after, drawn at the start of the day it is about: by then the gauge
    # has turned to the new day, and late spans are in.
    whole_day = f"{select(RULE_SPEND, _SPEND, window='yesterday')} offset -25h"
    return [
        trend(
            Frame(
                "Spend rate by feature, per hour",
                "Shape, from counters: spans that arrive more than an hour late are not in it.",
                14,
                9,
            ),
            Query(f"sum by (feature) (rate({counted}[$__rate_interval])) * 3600", "{{feature}}"),
        ),
        trend(
            Frame(
                "Spend by day and feature",
                "Exact totals of the last 30 whole days, as far back as Prometheus remembers.",
                10,
                9,
            ),
            Query(f"sum by (feature) ({whole_day})", "{{feature}}"),
            last="30d",
            step="1d",
        ),
    ]


def _meter_health() -> list[Panel]:
    queue, limit = names.INGEST_QUEUE_BYTES.name, names.INGEST_QUEUE_LIMIT.name
    return [
        number(
            Frame("Processors", "Whether each one answers Prometheus.", 4, 6, COUNT, 0),
            Query(f'max by (instance) (up{{job="{PROCESSOR_JOB}"}})', "{{instance}}"),
            texts={"0": "down", "1": "up"},
        ),
        number(
            Frame(
                "Since the last commit",
                "Age of the newest batch in the ledger; long is normal only when nothing is sent.",
                4,
                6,
                SECONDS,
                0,
            ),
            Query(f"time() - max({names.INGEST_LAST_COMMIT.name} > 0)", "ago"),
        ),
        number(
            Frame(
                "Queue used",
                "Share of the queue before the ledger; when full, senders are asked to wait.",
                4,
                6,
                SHARE,
                1,
            ),
            Query(f"max by (instance) ({queue} / {limit})", "{{instance}}"),
            steps=[(0.5, "orange"), (0.9, "red")],
        ),
        trend(
            Frame(
                "Rejected spans and dead letters",
                "What was received and is in no total, by reason.",
                12,
                6,
                COUNT,
                0,
            ),
            Query(
                f"sum by (reason) (increase({names.INGEST_REJECTED.name}[$__rate_interval]))",
                "rejected: {{reason}}",
            ),
            Query(
                f"sum by (reason) (increase({names.DEAD_LETTERS.name}[$__rate_interval]))",
                "dead letter: {{reason}}",
            ),
        ),
    ]
