"""The name of every recording rule, once."""

from __future__ import annotations

from typing import Final

# Recording rules: what boards and alerts read, so that replicas never double.
RULE_SPEND: Final = "taximeter:spend_usd"
RULE_SPEND_REQUESTS: Final = "taximeter:spend_requests"
RULE_BROKEN_OFF: Final = "taximeter:broken_off_spend_usd"
RULE_TIER_SPEND: Final = "taximeter:tier_spend_usd"
RULE_SPEND_SAME_TIME: Final = "taximeter:spend_same_time_usd"
RULE_TENANT_SPEND: Final = "taximeter:tenant_spend_usd"
RULE_TENANT_REQUESTS: Final = "taximeter:tenant_requests"
RULE_BUDGET: Final = "taximeter:budget_usd"
RULE_BUDGET_SPENT: Final = "taximeter:budget_spent_usd"
RULE_FORECAST: Final = "taximeter:forecast_usd"
RULE_RUN_RATE: Final = "taximeter:month_run_rate_usd"
RULE_SPEND_CHANGE: Final = "taximeter:spend_change_usd"
RULE_TENANT_CHANGE: Final = "taximeter:tenant_spend_change_usd"
RULE_OPTIMIZATION_START: Final = "taximeter:optimization_start_timestamp_seconds"
RULE_OPTIMIZATION_EXPECTED: Final = "taximeter:optimization_expected_ratio"
RULE_OPTIMIZATION_COST: Final = "taximeter:optimization_cost_usd"
RULE_OPTIMIZATION_REQUESTS: Final = "taximeter:optimization_requests"
RULE_OWNER: Final = "taximeter:owner"
RULES: Final = tuple(value for key, value in list(globals().items()) if key.startswith("RULE_"))

# Recording rules that alerts compare with: what is normal, and how much is too much.
BASE_COST_1H: Final = "taximeter:feature_cost_usd:1h"
BASE_COST_1D: Final = "taximeter:feature_cost_usd:1d"
BASE_REQUESTS_1H: Final = "taximeter:feature_requests:1h"
BASE_REQUESTS_1D: Final = "taximeter:feature_requests:1d"
BASE_REQUEST_COST_1H: Final = "taximeter:feature_request_cost_usd:1h"
BASE_REQUEST_COST_1D: Final = "taximeter:feature_request_cost_usd:1d"
BASE_TENANT_COST_1H: Final = "taximeter:tenant_cost_usd:1h"
BASE_CACHED_SHARE_1H: Final = "taximeter:feature_cached_share:1h"
BASE_CACHEABLE_1H: Final = "taximeter:feature_cacheable_tokens:1h"
BASE_TENANT_OWNER: Final = "taximeter:tenant_owner"
