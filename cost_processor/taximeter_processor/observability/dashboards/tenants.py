"""The dashboard "AI cost: tenants": whom the calls were for, and whose cost moved."""

from __future__ import annotations

from typing import Final

from taximeter_processor.names import OVERFLOW_VALUE, UNKNOWN_VALUE
from taximeter_processor.observability.dashboards import money
from taximeter_processor.observability.dashboards.board import Head, Panel, Section, build_board
from taximeter_processor.observability.dashboards.panels import (
    SHARE,
    Frame,
    Link,
    Query,
    bars,
    number,
    rows,
    trend,
)
from taximeter_processor.observability.promql import select
from taximeter_processor.observability.recorded import (
    RULE_TENANT_CHANGE,
    RULE_TENANT_REQUESTS,
    RULE_TENANT_SPEND,
)

UID: Final = money.TENANT_BOARD
FILTERS: Final = ("team", "tenant")
_CHANGE: Final = ("tenant",)
_TO_CALLS: Final = Link(
    "Tenant",
    "Calls of this tenant",
    "/d/taximeter-calls?var-tenant=${__value.raw:percentencode}&${__url_time_range}",
)


def build(runbooks_url: str) -> dict[str, object]:
    """The dashboard's JSON."""
    head = Head(
        UID,
        "AI cost: tenants",
        "Exact spend by tenant, from the ledger. The month's largest tenants have their names; all "
        f"others are `{OVERFLOW_VALUE}`, and calls without a tenant `{UNKNOWN_VALUE}`.",
        filters=FILTERS,
    )
    sections = [
        Section("How much", [*_totals(), _table(), _largest()]),
        Section("What moved it", [_movers(), _last_hour()]),
    ]
    return build_board(head, sections, runbooks_url)


def _spent(window: str, **labels: str) -> str:
    return f"sum({select(RULE_TENANT_SPEND, FILTERS, window=window, **labels)})"


def _totals() -> list[Panel]:
    whole = f"({_spent('month')} > 0)"
    named = {"tenant": f"!~{OVERFLOW_VALUE}|{UNKNOWN_VALUE}"}
    return [
        number(
            Frame("Spend of these tenants", "Today and this month, exact.", 8, 4),
            Query(f"{_spent('today')} or vector(0)", "today"),
            Query(f"{_spent('month')} or vector(0)", "this month"),
        ),
        number(
            Frame("Spend of the last hour", "The hour up to now, exact.", 4, 4),
            Query(f"{_spent('1h')} or vector(0)", "last hour"),
        ),
        number(
            Frame(
                "Largest tenant",
                "Share of the month's spend that is one tenant's.",
                width=6,
                height=4,
                unit=SHARE,
                decimals=1,
            ),
            Query(
                "max(sum by (tenant) "
                f"({select(RULE_TENANT_SPEND, FILTERS, window='month', **named)})) / {whole}",
                "share",
            ),
        ),
        number(
            Frame(
                "Without a tenant",
                "Share of the month's spend that no tenant is tagged on.",
                width=6,
                height=4,
                unit=SHARE,
                decimals=1,
            ),
            Query(
                f"({_spent('month', tenant=UNKNOWN_VALUE)} or vector(0)) / {whole}",
                "share",
            ),
            steps=[(0.02, "orange"), (0.1, "red")],
        ),
    ]


def _table() -> Panel:
    def summed(rule: str, window: str) -> str:
        return f"sum by (tenant, team) ({select(rule, FILTERS, window=window)})"

    month = summed(RULE_TENANT_SPEND, "month")
    return rows(
        Frame("Cost by tenant", "Exact spend and calls of each tenant and team.", 16, 11),
        {"tenant": "Tenant", "team": "Team"},
        {
            "Month": Query(month),
            "Today": Query(summed(RULE_TENANT_SPEND, "today")),
            "Yesterday": Query(summed(RULE_TENANT_SPEND, "yesterday")),
            "Calls": Query(summed(RULE_TENANT_REQUESTS, "month")),
            "Per call": Query(f"{month} / ({summed(RULE_TENANT_REQUESTS, 'month')} > 0)"),
        },
        links=[_TO_CALLS],
        units={"Calls": money.CALL_COUNT, "Per call": money.PER_CALL},
    )


def _largest() -> Panel:
    spend = select(RULE_TENANT_SPEND, FILTERS, window="today")
    return bars(
        Frame("Largest today", "The 15 largest, exact.", 8, 11),
        Query(f"topk(15, sum by (tenant) ({spend}) > 0)", "{{tenant}}"),
    )


def _movers() -> Panel:
    changes = select(RULE_TENANT_CHANGE, _CHANGE, window="today")
    by_cause = f"sum by (tenant, driver) ({changes})"
    main = f"topk by (tenant) (1, abs({by_cause}))"
    return rows(
        Frame(
            "Top movers",
            "Tenants whose spend changed most since the same time last week, and the cause that "
            f"weighs most.{money.note(_CHANGE, FILTERS)}",
            width=12,
            height=10,
        ),
        {"tenant": "Tenant", "driver": "Main cause"},
        {
            "Change": Query(
                f"sum by (tenant) ({changes})\n"
                f"* on (tenant) group_left (driver) group by (tenant, driver) ({main})"
            ),
            "By main cause": Query(f"{by_cause} and {main}"),
        },
        links=[money.TO_TENANT],
    )


def _last_hour() -> Panel:
    spend = select(RULE_TENANT_SPEND, FILTERS, window="1h")
    return trend(
        Frame(
            "Spend of an hour by tenant",
            "Exact spend of the hour up to each moment, the eight largest.",
            width=12,
            height=10,
        ),
        Query(f"topk(8, sum by (tenant) ({spend}))", "{{tenant}}"),
        step="1h",
    )
