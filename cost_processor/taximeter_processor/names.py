"""Every metric, label, window and rule name, once.

The exporter registers from here; dashboards and rules are tested against it. Names follow
Prometheus conventions (base units, `_total` on counters). Money is dollars, exact in the ledger
and rounded to a float only on the scrape.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

MetricType = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    """One metric family as Prometheus sees it."""

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()


TAG_NAMES: Final = ("feature", "tenant", "team", "request_type")
"""What says whose a call is."""
COST_LABELS: Final = ("feature", "team", "request_type", "provider", "model", "environment")
OVERFLOW_VALUE: Final = "other"
UNKNOWN_VALUE: Final = "unknown"
UNOWNED: Final = "unowned"

# Counters: shape, rates and alerts. Derived from this writer's rows, so they never reset.
COST: Final = Metric(
    "taximeter_cost_usd_total",
    "counter",
    "Cost of priced calls in dollars, as first priced, by meter.",
    (*COST_LABELS, "meter"),
)
USAGE: Final = Metric(
    "taximeter_usage_total",
    "counter",
    "Billable quantity of calls by meter (tokens, or requests for web_search and request).",
    (*COST_LABELS, "meter"),
)
REQUESTS: Final = Metric(
    "taximeter_requests_total",
    "counter",
    "Calls by status: priced, unpriced, failed (no usage after an error), cached (avoided).",
    (*COST_LABELS, "status"),
)
SAVED: Final = Metric(
    "taximeter_saved_usd_total",
    "counter",
    "Dollars not spent, by source: prompt_cache, response_cache, tier.",
    (*COST_LABELS, "source"),
)
EXTRA: Final = Metric(
    "taximeter_extra_usd_total",
    "counter",
    "Dollars spent above the plain price, by source: prompt_cache (writes), tier (premium).",
    (*COST_LABELS, "source"),
)
REQUEST_COST: Final = Metric(
    "taximeter_request_cost_usd",
    "histogram",
    "Cost of one priced call in dollars.",
    ("feature",),
)
UNPRICED: Final = Metric(
    "taximeter_unpriced_requests_total",
    "counter",
    "Calls whose cost is not known, by reason.",
    ("feature", "team", "provider", "model", "reason"),
)
BACKFILLED: Final = Metric(
    "taximeter_backfilled_cost_usd_total",
    "counter",
    "Cost of calls that were more than an hour old when they arrived.",
    ("feature", "team"),
)
RESTATED: Final = Metric(
    "taximeter_restated_usd_total",
    "counter",
    "Dollars by which costs were changed after they were first counted.",
    ("direction", "reason"),
)
COUNTER_HELD: Final = Metric(
    "taximeter_counter_held_usd",
    "gauge",
    "Cost of label sets too young to be shown: the next scrape sees them born at 0, then rise.",
)

# Gauges: numbers of money, read from the ledger.
SPEND: Final = Metric(
    "taximeter_spend_usd",
    "gauge",
    "Exact spend from the ledger, by window in the reporting time zone.",
    (*COST_LABELS, "window"),
)
SPEND_REQUESTS: Final = Metric(
    "taximeter_spend_requests",
    "gauge",
    "Calls in the ledger behind taximeter_spend_usd, by status.",
    ("feature", "team", "request_type", "environment", "status", "window"),
)
BROKEN_OFF: Final = Metric(
    "taximeter_broken_off_spend_usd",
    "gauge",
    "Exact spend on calls that ended in an error or were broken off (usage_status partial).",
    ("feature", "team", "request_type", "environment", "window"),
)
TIER_SPEND: Final = Metric(
    "taximeter_tier_spend_usd",
    "gauge",
    "Exact spend by the provider's service tier; window = today, yesterday, month.",
    (
        "feature",
        "team",
        "request_type",
        "environment",
        "provider",
        "service_tier",
        "window",
    ),
)
SPEND_SAME_TIME: Final = Metric(
    "taximeter_spend_same_time_usd",
    "gauge",
    "Exact spend from midnight to the same time of day; window = yesterday, last_week.",
    ("feature", "team", "request_type", "environment", "window"),
)
TENANT_SPEND: Final = Metric(
    "taximeter_tenant_spend_usd",
    "gauge",
    "Exact spend of the largest tenants of the month; the rest is tenant `other`.",
    ("tenant", "team", "window"),
)
TENANT_REQUESTS: Final = Metric(
    "taximeter_tenant_requests",
    "gauge",
    "Calls of the largest tenants of the month; the rest is tenant `other`.",
    ("tenant", "team", "window"),
)
BUDGET: Final = Metric(
    "taximeter_budget_usd",
    "gauge",
    "Budget in dollars for its period.",
    ("budget", "owner", "feature", "team", "period"),
)
BUDGET_SPENT: Final = Metric(
    "taximeter_budget_spent_usd",
    "gauge",
    "Exact spend against a budget in its current period.",
    ("budget", "owner", "feature", "team", "period"),
)
FORECAST: Final = Metric(
    "taximeter_forecast_usd",
    "gauge",
    "Spend expected at the end of a budget's period; quantile = 0.5, 0.9.",
    ("budget", "quantile"),
)
RUN_RATE: Final = Metric(
    "taximeter_month_run_rate_usd",
    "gauge",
    "The month's spend, and the mean of the last seven whole days for all its time that is left.",
    ("feature", "team", "request_type", "environment"),
)
SPEND_CHANGE: Final = Metric(
    "taximeter_spend_change_usd",
    "gauge",
    "Change of spend since the week before, exact, by what caused it (docs/dashboards.md).",
    ("feature", "team", "driver", "window"),
)
TENANT_CHANGE: Final = Metric(
    "taximeter_tenant_spend_change_usd",
    "gauge",
    "The same for tenants.",
    ("tenant", "driver", "window"),
)
OPTIMIZATION_START: Final = Metric(
    "taximeter_optimization_start_timestamp_seconds",
    "gauge",
    "When the day of a change began that is to save money.",
    ("optimization", "feature", "kind"),
)
OPTIMIZATION_EXPECTED: Final = Metric(
    "taximeter_optimization_expected_ratio",
    "gauge",
    "Share of the cost per request that a change is expected to save.",
    ("optimization", "feature", "kind"),
)
OPTIMIZATION_COST: Final = Metric(
    "taximeter_optimization_cost_usd",
    "gauge",
    "Exact cost of the feature's priced calls in as many whole days before and after a change.",
    ("optimization", "feature", "kind", "phase"),
)
OPTIMIZATION_REQUESTS: Final = Metric(
    "taximeter_optimization_requests",
    "gauge",
    "Priced calls behind taximeter_optimization_cost_usd.",
    ("optimization", "feature", "kind", "phase"),
)
OWNER_INFO: Final = Metric(
    "taximeter_owner_info",
    "gauge",
    "1 for the named owner of each feature's cost; contacts live in Alertmanager's configuration.",
    ("feature", "team", "owner"),
)

FEATURE_EXPECTED: Final = Metric(
    "taximeter_feature_expected",
    "gauge",
    "1 for each feature that should never be silent, as configured.",
    ("feature",),
)

# The meter is metered.
INGEST_SPANS: Final = Metric(
    "taximeter_ingest_spans_total",
    "counter",
    "Spans received by outcome: call, not_a_call, duplicate, rejected.",
    ("outcome",),
)
INGEST_REJECTED: Final = Metric(
    "taximeter_ingest_rejected_spans_total",
    "counter",
    "Spans refused in an otherwise good body, by reason.",
    ("reason",),
)
INGEST_REQUESTS: Final = Metric(
    "taximeter_ingest_requests_total",
    "counter",
    "Requests to /v1/traces by HTTP status.",
    ("status",),
)
HTTP_REFUSED: Final = Metric(
    "taximeter_http_refused_total",
    "counter",
    "Connections cut off and bodies refused, by reason: too_many, slow_head, large_head, unread; "
    "outside /v1/traces also slow_body, large_body.",
    ("reason",),
)
READS: Final = Metric(
    "taximeter_reads_total",
    "counter",
    "Reads of the ledger over HTTP by outcome: ok, wrong (400), limit (503).",
    ("read", "outcome"),
)
INGEST_BYTES: Final = Metric(
    "taximeter_ingest_body_bytes_total",
    "counter",
    "Body bytes accepted, as received (compressed).",
)
INGEST_QUEUE_BYTES: Final = Metric(
    "taximeter_ingest_queue_bytes",
    "gauge",
    "Body bytes waiting for the ledger's commit.",
)
INGEST_QUEUE_LIMIT: Final = Metric(
    "taximeter_ingest_queue_limit_bytes",
    "gauge",
    "Above this, requests are answered 503 with Retry-After.",
)
INGEST_NEWEST: Final = Metric(
    "taximeter_ingest_newest_call_timestamp_seconds",
    "gauge",
    "Start time of the newest call in the ledger.",
)
INGEST_LAST_COMMIT: Final = Metric(
    "taximeter_ingest_last_commit_timestamp_seconds",
    "gauge",
    "When a batch with calls was last committed.",
)
MISSING_SPANS: Final = Metric(
    "taximeter_missing_spans_total",
    "counter",
    "Spans that Taximeter's instrumentation numbered and that had not come 10 minutes later.",
    ("service",),
)
RECOVERED_SPANS: Final = Metric(
    "taximeter_recovered_spans_total",
    "counter",
    "Spans that came after they had been counted in taximeter_missing_spans_total.",
    ("service",),
)
UNKNOWN_USAGE_KEYS: Final = Metric(
    "taximeter_ingest_unknown_usage_keys_total",
    "counter",
    "Attributes that look like usage but no dialect reads.",
    ("key",),
)
TAG_VIOLATIONS: Final = Metric(
    "taximeter_tag_violations_total",
    "counter",
    "Tag values that broke the policy, by tag and reason: missing, not_allowed, invalid, pinned.",
    ("tag", "reason"),
)
TOKEN_VIOLATIONS: Final = Metric(
    "taximeter_token_violations_total",
    "counter",
    "Tags outside the pin of the sender's token, booked as unknown, by token and tag.",
    ("token", "tag"),
)
USAGE_STATUS: Final = Metric(
    "taximeter_usage_status_total",
    "counter",
    "Calls by how their usage is known: reported, missing, partial, estimated.",
    ("status", "provider"),
)
DEAD_LETTERS: Final = Metric(
    "taximeter_dead_letters_total",
    "counter",
    "Bodies and spans kept aside without content, by reason.",
    ("reason",),
)
DIGESTS: Final = Metric(
    "taximeter_digests_total",
    "counter",
    "Daily digests by outcome: sent, nothing_to_read, no_channel, failed (each try).",
    ("outcome",),
)
LABEL_OVERFLOW: Final = Metric(
    "taximeter_label_overflow_total",
    "counter",
    "Calls whose labels were collapsed to `other` because the cost label sets reached their limit.",
    ("label",),
)
LABEL_SETS: Final = Metric("taximeter_label_sets", "gauge", "Cost label sets in use.")
LABEL_SETS_LIMIT: Final = Metric(
    "taximeter_label_sets_limit", "gauge", "Cost label sets at most; beyond, labels collapse."
)
LEDGER_ROWS: Final = Metric("taximeter_ledger_rows", "gauge", "Calls in the ledger.")
LEDGER_BYTES: Final = Metric("taximeter_ledger_bytes", "gauge", "Size of the ledger on disk.")
LEDGER_COST: Final = Metric(
    "taximeter_ledger_cost_usd", "gauge", "Sum of every cost in the ledger, all writers."
)
LEDGER_LIMITS: Final = Metric(
    "taximeter_ledger_limit_reached_total",
    "counter",
    "What was let go at a limit of telling calls apart: links, open_traces, rows.",
    ("limit",),
)
LEDGER_PRUNED: Final = Metric(
    "taximeter_ledger_pruned_calls_total", "counter", "Calls taken out by retention, all writers."
)
LEDGER_HORIZON: Final = Metric(
    "taximeter_ledger_horizon_timestamp_seconds",
    "gauge",
    "Where the ledger begins: older calls were pruned and are refused.",
)
LEDGER_COMMITS: Final = Metric(
    "taximeter_ledger_commits_total", "counter", "Group commits by result: ok, failed.", ("result",)
)
LEDGER_COMMIT_SECONDS: Final = Metric(
    "taximeter_ledger_commit_seconds", "histogram", "Time of one group commit."
)
LEDGER_READY: Final = Metric(
    "taximeter_ledger_ready", "gauge", "1 while the ledger accepts commits."
)
PRICE_BOOK_INFO: Final = Metric(
    "taximeter_price_book_info", "gauge", "1 for the price book in use.", ("version",)
)
PRICE_BOOK_TIMESTAMP: Final = Metric(
    "taximeter_price_book_timestamp_seconds",
    "gauge",
    "The newest day on which the catalogue in use says it verified a price.",
)
CONFIG_INFO: Final = Metric(
    "taximeter_build_info", "gauge", "1 for the running version and writer.", ("version", "writer")
)

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
