"""The views for people and tools that speak SQL: stable names over tables that may change."""

from __future__ import annotations

from typing import Final

VIEWS: Final = ("v_requests", "v_daily_cost", "v_unit_economics")

_REQUESTS: Final = """
create view v_requests as select
  trace_id, span_id, parent_span_id, response_id, start_time, end_time,
  feature, tenant, team, request_type, environment, service_name,
  provider, model, request_model, response_model, operation, service_tier,
  status, unpriced_reason, usage_status,
  input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
  cost_usd, input_cost_usd, cache_read_cost_usd, cache_write_cost_usd, output_cost_usd,
  list_cost_usd, first_cost_usd, is_restated, reported_cost_usd, price_version, price_source,
  writer, emitter, also_told_by
from calls;
"""
_DAILY: Final = """
create view v_daily_cost as select
  {day} as day, feature, tenant, team, request_type, provider, model, environment,
  {sums}
from hourly group by 1, feature, tenant, team, request_type, provider, model, environment
having sum(requests) > 0;
"""
_UNITS: Final = """
create view v_unit_economics as select
  day, feature, team, requests, tenants, tokens, cost_usd,
  (cost_usd / requests)::decimal(24,12) as cost_usd_per_request,
  (cost_usd / tenants)::decimal(24,12) as cost_usd_per_tenant,
  (cost_usd * 1000000 / nullif(tokens, 0))::decimal(24,12) as cost_usd_per_million_tokens,
  list_cost_usd - cost_usd as saved_usd
from (
  select day, feature, team, sum(requests) as requests,
    nullif(count(distinct tenant) filter (where tenant <> ''), 0) as tenants,
    sum(input_tokens + output_tokens) as tokens,
    sum(cost_usd) as cost_usd, sum(list_cost_usd) as list_cost_usd
  from v_daily_cost group by day, feature, team
) d;
"""
_SUMS: Final = ",\n  ".join(
    f"sum({name})::{type_} as {name}"
    for name, type_ in (
        ("requests", "bigint"),
        ("unpriced", "bigint"),
        ("input_tokens", "bigint"),
        ("output_tokens", "bigint"),
        ("cost_usd", "decimal(24,12)"),
        ("list_cost_usd", "decimal(24,12)"),
    )
)


def create_views(day: str) -> str:
    """SQL for all views; `day` is the UTC date of `hour` as the engine spells it."""
    return _REQUESTS + _DAILY.format(day=day, sums=_SUMS) + _UNITS
