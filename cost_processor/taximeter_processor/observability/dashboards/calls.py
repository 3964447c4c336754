"""The dashboard "AI cost: calls": single calls of a PostgreSQL ledger, by SQL on its views."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from taximeter_processor.names import UNKNOWN_VALUE
from taximeter_processor.observability.dashboards.board import (
    Head,
    Panel,
    Section,
    begin_board,
    finish_board,
)
from taximeter_processor.observability.dashboards.money import CALL_COUNT, PER_CALL
from taximeter_processor.observability.dashboards.panels import COUNT, SHARE, USD, Frame, Unit
from taximeter_processor.observability.dashboards.sql import (
    POSTGRES,
    VARIABLE,
    choices,
    sql_number,
    sql_rows,
    sql_trend,
)

UID: Final = "taximeter-calls"
VIEW: Final = "v_requests"
FILTERS: Final = ("environment", "team", "feature", "tenant", "request_type")


def _shown(tag: str) -> str:
    """A tag as metrics show it."""
    return f"coalesce(nullif({tag}, ''), '{UNKNOWN_VALUE}')"


_CHOSEN: Final = "\n  and ".join(
    [
        "where $__timeFilter(start_time)",
        *(f"{_shown(name)} in (${{{name}:sqlstring}})" for name in FILTERS),
    ]
)
_DOLLARS: Final = Unit(USD, 2)


def build(runbooks_url: str) -> dict[str, object]:
    """The dashboard's JSON; it has no alerts to lead from."""
    head = Head(
        UID,
        "AI cost: calls",
        "Single calls of a ledger on PostgreSQL, for questions that metrics are too coarse for. "
        "Amounts are exact. Grafana needs a user that may read the views, and no more.",
        refresh="",
    )
    board = begin_board(head).with_variable(
        builders.DatasourceVariable(VARIABLE).label("Data source").type(POSTGRES)
    )
    for name in FILTERS:
        board.with_variable(choices(name, _shown(name), VIEW))
    sections = [
        Section("How much", [_totals(), _over_time()]),
        Section("What a call costs", [_unit_economics(), _tiers(), _broken_off()]),
        Section("Which calls", [_dearest(), _unpriced()]),
    ]
    return finish_board(board, sections)


def _totals() -> Panel:
    return sql_number(
        Frame("Spend in the range", "Exact spend, calls, and spend of a priced call.", 8, 8),
        f"""\
select sum(cost_usd) as "spend", count(*) as "calls",
  sum(cost_usd) / nullif(count(*) filter (where status = 'priced'), 0) as "per call"
from {VIEW}
{_CHOSEN}""",
        {"calls": CALL_COUNT, "per call": PER_CALL},
    )


def _over_time() -> Panel:
    return sql_trend(
        Frame("Spend by feature", "Exact spend of each stretch of time.", 16, 8),
        f"""\
select $__timeGroupAlias(start_time, $__interval), {_shown("feature")} as metric,
  sum(cost_usd) as value
from {VIEW}
{_CHOSEN}
group by 1, 2
order by 1""",
    )


def _unit_economics() -> Panel:
    return sql_rows(
        Frame("By feature and model", "Cost and tokens of a priced call, and its tail.", 24, 9),
        f"""\
select {_shown("feature")} as "Feature", model as "Model", count(*) as "Calls",
  sum(cost_usd) as "Spend",
  avg(cost_usd) as "Mean", percentile_disc(0.95) within group (order by cost_usd) as "p95",
  avg(input_tokens) as "Input", avg(output_tokens) as "Output",
  sum(cache_read_tokens) / nullif(sum(input_tokens), 0)::numeric as "Cached"
from {VIEW}
{_CHOSEN}
  and status = 'priced'
group by 1, 2
order by sum(cost_usd) desc
limit 100""",
        {
            "Calls": CALL_COUNT,
            "Spend": _DOLLARS,
            "Mean": PER_CALL,
            "p95": PER_CALL,
            "Input": Unit(COUNT, 0),
            "Output": Unit(COUNT, 0),
            "Cached": Unit(SHARE, 1),
        },
    )


def _tiers() -> Panel:
    return sql_rows(
        Frame("Service tiers", "Calls, spend and what the tier saved, by tier.", 12, 8),
        f"""\
select service_tier as "Tier", count(*) as "Calls", sum(cost_usd) as "Spend",
  sum(cost_usd) / nullif(sum(sum(cost_usd)) over (), 0) as "Share"
from {VIEW}
{_CHOSEN}
group by service_tier
order by sum(cost_usd) desc""",
        {"Calls": CALL_COUNT, "Spend": _DOLLARS, "Share": Unit(SHARE, 1)},
    )


def _broken_off() -> Panel:
    return sql_rows(
        Frame("How calls ended", "Calls and spend by status and by how usage is known.", 12, 8),
        f"""\
select status as "Status", usage_status as "Usage", count(*) as "Calls", sum(cost_usd) as "Spend"
from {VIEW}
{_CHOSEN}
group by status, usage_status
order by count(*) desc""",
        {"Calls": CALL_COUNT, "Spend": _DOLLARS},
    )


def _dearest() -> Panel:
    return sql_rows(
        Frame(
            "Dearest calls",
            "The 50 that cost most; `taximeter explain` with the trace tells why.",
            width=24,
            height=12,
        ),
        f"""\
select start_time as "Time", {_shown("feature")} as "Feature", {_shown("tenant")} as "Tenant",
  model as "Model",
  input_tokens as "Input", output_tokens as "Output", cost_usd as "Cost", trace_id as "Trace"
from {VIEW}
{_CHOSEN}
  and cost_usd > 0
order by cost_usd desc
limit 50""",
        {"Input": Unit(COUNT, 0), "Output": Unit(COUNT, 0), "Cost": PER_CALL},
    )


def _unpriced() -> Panel:
    return sql_rows(
        Frame("Calls without a price", "By provider, model and reason.", 24, 7, COUNT, 0),
        f"""\
select provider as "Provider", model as "Model", unpriced_reason as "Reason",
  count(*) as "Calls", sum(input_tokens) as "Input", sum(output_tokens) as "Output"
from {VIEW}
{_CHOSEN}
  and status = 'unpriced'
group by provider, model, unpriced_reason
order by count(*) desc
limit 100""",
        {"Calls": CALL_COUNT},
    )
