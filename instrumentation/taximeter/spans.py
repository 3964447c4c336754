"""Turns what is known of one upstream attempt into the attributes of its span, and ends it."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from taximeter import attributes as names
from taximeter.providers.base import OTHER_ERROR, Facts


class Request(NamedTuple):
    """What is known when an attempt begins."""

    provider: str
    operation: str
    model: str | None
    server_address: str
    server_port: int
    retry_count: int | None
    tags: Mapping[str, str]

    @property
    def span_name(self) -> str:
        return f"{self.operation} {self.model}" if self.model else self.operation


class Outcome(NamedTuple):
    """How an attempt ended."""

    status_code: int | None = None
    """HTTP status, if an answer came."""
    exception: str | None = None
    """Class name of what the client raised."""
    is_cut_short: bool = False
    """The answer was not read to its end."""
    is_stream: bool = False
    first_chunk_seconds: float | None = None


_FACTS = {
    names.RESPONSE_MODEL: "response_model",
    names.RESPONSE_ID: "response_id",
    names.INFERENCE_GEO: "inference_geo",
    names.INPUT_TOKENS: "input_tokens",
    names.OUTPUT_TOKENS: "output_tokens",
    names.CACHE_READ_INPUT_TOKENS: "cache_read_tokens",
    names.CACHE_CREATION_INPUT_TOKENS: "cache_write_tokens",
    names.CACHE_WRITE_1H_INPUT_TOKENS: "cache_write_1h_tokens",
    names.REASONING_OUTPUT_TOKENS: "reasoning_tokens",
    names.AUDIO_INPUT_TOKENS: "audio_input_tokens",
    names.AUDIO_OUTPUT_TOKENS: "audio_output_tokens",
    names.AUDIO_CACHE_READ_INPUT_TOKENS: "audio_cache_read_tokens",
    names.IMAGE_INPUT_TOKENS: "image_input_tokens",
    names.IMAGE_OUTPUT_TOKENS: "image_output_tokens",
    names.IMAGE_CACHE_READ_INPUT_TOKENS: "image_cache_read_tokens",
    names.WEB_SEARCH_REQUESTS: "web_search_requests",
    names.BILLED_INPUT_TOKENS: "billed_input_tokens",
    names.BILLED_OUTPUT_TOKENS: "billed_output_tokens",
    names.SEARCH_UNITS: "search_units",
    names.PAGES: "pages",
    names.AUDIO_SECONDS: "audio_seconds",
}
"""Facts that are attributes as they are."""
_fact_values = attrgetter(*_FACTS.values())
_TIERS = {
    "default": "standard",
    "on_demand": "standard",
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
    "on_demand_offpeak": "offpeak",
    "provisioned_throughput": "provisioned",
    "reserved": "provisioned",
}
"""How providers spell the tiers of which several have one; the others keep their names."""
_REQUESTED_TIERS = ("auto",)


class _Process:
    """Numbers the spans of this process; a forked child is another process and starts from 1."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        # The time tells the processor whether it could have seen this process's first spans.
        self.name = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(4)}"
        self.sequence = itertools.count(1)


_process = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.begin)


def end(
    span: Span, request: Request, facts: Facts, outcome: Outcome, *, latest_conventions: bool
) -> None:
    """Write everything in one call, number the span, and end it. Call it once per span."""
    try:
        _write(span, request, facts, outcome, latest_conventions)
    finally:
        span.end()


def _write(
    span: Span, request: Request, facts: Facts, outcome: Outcome, latest_conventions: bool
) -> None:
    values = describe(request, facts, outcome)
    if latest_conventions and facts.cache_write_tokens is not None:
        values[names.CACHE_WRITE_INPUT_TOKENS] = facts.cache_write_tokens
    values[names.PROCESS] = _process.name
    values[names.SEQUENCE] = next(_process.sequence)
    span.set_attributes(values)
    if names.ERROR_TYPE in values:
        span.set_status(Status(StatusCode.ERROR))


def describe(request: Request, facts: Facts, outcome: Outcome) -> dict[str, AttributeValue]:
    """The attributes of one attempt, without its number."""
    error_type = _error_type(facts, outcome)
    values: dict[str, AttributeValue] = {
        names.OPERATION_NAME: request.operation,
        names.PROVIDER_NAME: request.provider,
        names.SERVER_ADDRESS: request.server_address,
        names.SERVER_PORT: request.server_port,
        names.USAGE_STATUS: _usage_status(facts, outcome, error_type),
        **request.tags,
    }
    optional = (
        (names.REQUEST_MODEL, request.model),
        (names.REQUEST_STREAM, outcome.is_stream or None),
        (names.FINISH_REASONS, _in_order(facts.finish_reasons)),
        (names.TIME_TO_FIRST_CHUNK, outcome.first_chunk_seconds),
        (names.SERVICE_TIER, _tier(facts.service_tier)),
        (names.REPORTED_COST_USD, _amount(facts.reported_cost_usd)),
        (names.UPSTREAM_COST_USD, _amount(facts.upstream_cost_usd)),
        (names.RETRY_COUNT, request.retry_count),
        (names.ERROR_TYPE, error_type),
        *zip(_FACTS, _fact_values(facts), strict=True),
    )
    for name, value in optional:
        if value is not None:
            values[name] = value
    return values


def _usage_status(facts: Facts, outcome: Outcome, error_type: str | None) -> str:
    if outcome.is_cut_short:
        return "partial"
    if not facts.is_usage_known:
        return "missing"
    return "partial" if error_type is not None else "reported"


def _error_type(facts: Facts, outcome: Outcome) -> str | None:
    if outcome.exception is not None:
        return outcome.exception
    is_refused = outcome.status_code is not None and outcome.status_code >= 400
    if is_refused and facts.error_type in (None, OTHER_ERROR):
        return str(outcome.status_code)
    return facts.error_type


def _amount(dollars: Decimal | None) -> str | None:
    return None if dollars is None else f"{dollars:f}"


def _in_order(reasons: Mapping[int, str]) -> tuple[str, ...] | None:
    return tuple(reasons[index] for index in sorted(reasons)) or None


def _tier(tier: str | None) -> str | None:
    if tier is None or tier in _REQUESTED_TIERS:
        return None
    return _TIERS.get(tier.lower(), tier.lower())
