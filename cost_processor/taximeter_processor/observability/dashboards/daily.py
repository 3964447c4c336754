"""The dashboard "AI cost: daily view": how much, for whom, what moved it, can it be trusted."""

from __future__ import annotations

from typing import Final

from taximeter_processor import names
from taximeter_processor.names import UNKNOWN_VALUE
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
    bars,
    lines,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import FILTERS, rose, select, shared_filters
from taximeter_processor.observability.recorded import (
    RULE_BUDGET,
    RULE_BUDGET_SPENT,
    RULE_OWNER,
    RULE_RUN_RATE,
    RULE_SPEND,
    RULE_SPEND_CHANGE,
    RULE_SPEND_REQUESTS,
    RULE_SPEND_SAME_TIME,
    RULE_TENANT_SPEND,
)

UID: Final = "taximeter-daily"
_TENANTS: Final = shared_filters(names.TENANT_SPEND)
_RUN_RATE: Final = shared_filters(names.SPEND, names.RUN_RATE)
_WEEKS: Final = (1, 2, 3, 4)


def build(runbooks_url: str) -> dict[str, object]:
    """The dashboard's JSON."""
    head = Head(
        UID,
        "AI cost: daily view",
        "What LLM calls cost today, against what is usual, and who to ask. Amounts are exact, from "
        "the ledger, in its reporting time zone; rates come from counters.",
    )
    sections = [
        Section("How much", [*_totals(), _budgets(), _firing_alerts(), *_shares()]),
        Section("For whom", [_by_feature(), _by_tenant(), *_by_label()]),
        Section("What moved it", [_movers(), money.causes(8)]),
        Section("Since when", [_against_usual(), _spend_by_hour(), _spend_by_day(), _saved()]),
        Section("Can it be trusted", [*_meter_health(), _refusals()]),
    ]
    return build_board(head, sections, runbooks_url)


def _totals() -> list[Panel]:
    month = select(RULE_RUN_RATE, _RUN_RATE)
    return [
        number(
            Frame("Spend today", "Since midnight, exact, from the ledger.", 4, 4),
            Query(f"{money.spent('today')} or vector(0)", "today"),
        ),
        money.against("yesterday", "yesterday", 5),
        money.against("last week", "last_week", 5),
        number(
            Frame(
                "Month to date",
                "This month so far; what it comes to if every day left costs the mean of the last "
                f"seven; and all of last month.{money.note(_RUN_RATE)}",
                width=6,
                height=4,
            ),
            Query(f"{money.spent('month', _RUN_RATE)} or vector(0)", "so far"),
            Query(f"sum({month})", "at this rate"),
            Query(f"{money.spent('last_month', _RUN_RATE)} or vector(0)", "last month"),
        ),
        number(
            Frame(
                "Calls today",
                f"All calls, and spend divided by the priced ones.{money.note(money.CALLS)}",
                width=4,
                height=4,
                unit=COUNT,
                decimals=0,
            ),
            Query(f"{money.calls('today', '=~.+')} or vector(0)", "calls"),
            Query(money.cost_per_call("today"), "cost per call"),
            units={"cost per call": money.PER_CALL},
        ),
    ]


def _budgets() -> Panel:
    return bars(
        Frame(
            "Budgets used",
            "Spent share of each budget in its current period. Not narrowed by any filter.",
            width=7,
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
        Frame("Firing alerts", "What fires now, and who was told.", 9, 6, COUNT, 0),
        {"alertname": "Alert", "owner": "Owner", "feature": "Feature", "severity": "Severity"},
        {"Alerts": Query(f"count by (alertname, owner, feature, severity) ({alerts})")},
        links=[money.TO_RUNBOOK, money.TO_FEATURE],
    )


def _shares() -> list[Panel]:
    tagged = dict.fromkeys(("feature", "team", "request_type"), f"!={UNKNOWN_VALUE}")
    unpriced = money.calls("today", "unpriced")
    whole = money.spent("today")
    return [
        _share(
            "Unpriced calls today",
            "Share of today's calls whose cost is not known: no amount contains them."
            + money.note(money.CALLS),
            f"({unpriced} or vector(0)) / ({money.calls('today', '=~priced|unpriced')} > 0)",
            (0.001, 0.01),
        ),
        _share(
            "Untagged spend today",
            "Share of today's spend without a feature, a team or a request type.",
            f"1 - ({money.spent('today', **tagged)} or vector(0)) / ({whole} > 0)",
            (0.02, 0.1),
        ),
    ]


def _share(title: str, description: str, expr: str, limits: tuple[float, float]) -> Panel:
    orange, red = limits
    return number(
        Frame(title, description, 4, 6, SHARE, 1),
        Query(expr, "share"),
        steps=[(orange, "orange"), (red, "red")],
    )


def _by_feature() -> Panel:
    def spent(rule: str, filters: tuple[str, ...], window: str) -> Query:
        return Query(money.owned(f"sum by (feature) ({select(rule, filters, window=window)})"))

    unpriced = select(RULE_SPEND_REQUESTS, money.CALLS, status="unpriced", window="today")
    return rows(
        Frame(
            "Cost by feature",
            "Exact spend and who answers for it, and today's calls without a price, which are in "
            "no amount. The column of last week is up to the same time."
            + money.note(money.SAME_TIME).replace("Not", "It is not"),
            width=14,
            height=10,
        ),
        {"feature": "Feature", "owner": "Owner"},
        {
            "Today": spent(RULE_SPEND, money.SPEND, "today"),
            "Last week": spent(RULE_SPEND_SAME_TIME, money.SAME_TIME, "last_week"),
            "Yesterday": spent(RULE_SPEND, money.SPEND, "yesterday"),
            "Month": spent(RULE_SPEND, money.SPEND, "month"),
            "Unpriced": Query(money.owned(f"sum by (feature) ({unpriced})")),
        },
        links=[money.TO_FEATURE],
        units={"Unpriced": Unit(COUNT, 0, ((1, "orange"),))},
    )


def _by_tenant() -> Panel:
    def spent(window: str) -> Query:
        series = select(RULE_TENANT_SPEND, _TENANTS, window=window)
        return Query(f"sum by (tenant, team) ({series})")

    return rows(
        Frame(
            "Cost by tenant",
            f"The month's largest tenants; all others are `other`.{money.note(_TENANTS)}",
            width=10,
            height=10,
        ),
        {"tenant": "Tenant", "team": "Team"},
        {"Today": spent("today"), "Last hour": spent("1h"), "Month": spent("month")},
        links=[money.TO_TENANT],
    )


def _by_label() -> list[Panel]:
    spend = select(RULE_SPEND, money.SPEND, window="today")
    return [
        bars(
            Frame(f"Cost by {label.replace('_', ' ')} today", "The 15 largest, exact.", 8, 8),
            Query(f"topk(15, sum by ({label}) ({spend}) > 0)", f"{{{{{label}}}}}"),
        )
        for label in ("team", "request_type", "model")
    ]


def _movers() -> Panel:
    changes = select(RULE_SPEND_CHANGE, money.CHANGE, window="today")
    by_cause = f"sum by (feature, driver) ({changes})"
    main = f"topk by (feature) (1, abs({by_cause}))"
    named = (
        f"* on (feature) group_left (driver) group by (feature, driver) ({main})\n"
        f"* on (feature) group_left (owner) {RULE_OWNER}"
    )
    return rows(
        Frame(
            "Top movers",
            "Features whose spend changed most since the same time last week, the cause that "
            f"weighs most, and whom to ask.{money.note(money.CHANGE)}",
            width=16,
            height=9,
        ),
        {"feature": "Feature", "owner": "Owner", "driver": "Main cause"},
        {
            "Change": Query(f"sum by (feature) ({changes})\n{named}"),
            "By main cause": Query(
                f"({by_cause} and {main})\n* on (feature) group_left (owner) {RULE_OWNER}"
            ),
        },
        links=[money.TO_FEATURE],
    )


def _against_usual() -> Panel:
    hour = f"sum(increase({select(names.COST.name, FILTERS)}[1h]"
    weeks = "\n  or ".join(
        f'label_replace({hour} offset {week}w)), "week", "{week}", "", "")' for week in _WEEKS
    )
    return lines(
        Frame(
            "Spend of an hour against the last four weeks",
            "The hour up to each moment, and between what bounds the same hour of the last four "
            "weeks was; from counters, ± 0.1 %.",
            width=24,
            height=9,
        ),
        Query(f"{hour}))", "spend"),
        Query(f"min(\n  {weeks}\n)", "lowest"),
        Query(f"max(\n  {weeks}\n)", "highest"),
        band=("lowest", "highest"),
        step="15m",
    )


def _spend_by_hour() -> Panel:
    spend = select(names.COST.name, FILTERS)
    return trend(
        Frame(
            "Spend over time by feature",
            "Dollars in each bar of an hour or more, from counters, ± 2 %: spans that arrive more "
            "than an hour late are not in it.",
            width=12,
            height=9,
        ),
        Query(f"sum by (feature) (increase({spend}[$__interval]))", "{{feature}}"),
        step="1h",
    )


def _spend_by_day() -> Panel:
    title = "Spend by day and feature"
    return money.by_day(title, RULE_SPEND, money.SPEND, "feature", width=8, height=9)


def _saved() -> Panel:
    saved = select(names.SAVED.name, FILTERS, source="=~prompt_cache|response_cache")
    return number(
        Frame(
            "Saved by caching",
            "In the selected range, by prompt and response caches; from counters, ± 0.1 %.",
            width=4,
            height=9,
        ),
        Query(f"sum(increase({saved}[$__range])) or vector(0)", "saved"),
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
            Query(rose(metric.name, "$__interval", "reason"), f"{words}: {{{{reason}}}}")
            for words, metric in (
                ("rejected", names.INGEST_REJECTED),
                ("dead letter", names.DEAD_LETTERS),
            )
        ),
        step="1h",
    )
