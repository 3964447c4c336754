"""Every span attribute Taximeter writes or trusts: the contract with the processor.

`SC` = OpenTelemetry semantic conventions for GenAI (Development stability); `TX` = Taximeter's own.
Token counts are integers; `input_tokens` and `output_tokens` are inclusive, the rest are parts of
them.
"""

from __future__ import annotations

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"
SCOPE_NAME: Final = "taximeter"

# SC: what was called, and what answered.
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"  # seconds, float
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"

# SC: inclusive counts.
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"

# SC: subsets of the two above.
CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION_INPUT_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
AUDIO_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.audio.cache_read.input_tokens"
IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"
IMAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.image.output_tokens"
IMAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.image.cache_read.input_tokens"

# TX: billable facts the conventions have no name for.
CACHE_WRITE_1H_INPUT_TOKENS: Final = "taximeter.usage.cache_write_1h_input_tokens"
WEB_SEARCH_REQUESTS: Final = "taximeter.usage.web_search_requests"
BILLED_INPUT_TOKENS: Final = "taximeter.usage.billed_input_tokens"  # priced instead of input
BILLED_OUTPUT_TOKENS: Final = "taximeter.usage.billed_output_tokens"
SEARCH_UNITS: Final = "taximeter.usage.search_units"
PAGES: Final = "taximeter.usage.pages"
AUDIO_SECONDS: Final = "taximeter.usage.audio_seconds"  # begun seconds
REPORTED_COST_USD: Final = "taximeter.reported_cost_usd"  # decimal string, as the provider said it
UPSTREAM_COST_USD: Final = "taximeter.upstream_cost_usd"  # owed to another, on top of the above
INFERENCE_GEO: Final = "taximeter.inference_geo"  # where Anthropic charges for the region
SERVICE_TIER: Final = "taximeter.service_tier"  # standard, flex, priority, fast, batch, …
USAGE_STATUS: Final = "taximeter.usage_status"  # reported, missing, partial
CACHE_HIT: Final = "taximeter.cache_hit"  # true: the usage is what a response cache avoided
RETRY_COUNT: Final = "taximeter.retry_count"
SEQUENCE: Final = "taximeter.sequence"  # per process, from 1, so that gaps show
# New in every process, what SEQUENCE counts in: 12 hex digits of milliseconds, 8 of chance.
PROCESS: Final = "taximeter.process"

# TX: the four tags.
FEATURE: Final = "taximeter.feature"
TENANT: Final = "taximeter.tenant"
TEAM: Final = "taximeter.team"
REQUEST_TYPE: Final = "taximeter.request_type"
TAGS: Final = (FEATURE, TENANT, TEAM, REQUEST_TYPE)
MAX_TAG_LENGTH: Final = 128
