"""Every recorded answer of a provider with a reader says what is expected, however it is cut."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from taximeter import faults, providers
from taximeter.capture.body import Body
from taximeter.providers import Route
from taximeter.providers.base import Facts
from tests.taximeter.replay import Recording, recordings

MAPPED = {"litellm.internal": "openai", "vllm.internal": "openai", "localhost": "ollama"}
"""Hosts that no table can know: a user names their provider."""


def route_of(recorded: Recording) -> Route | None:
    url = urlsplit(recorded.url)
    host = url.hostname or ""
    provider = MAPPED.get(host) or providers.provider_of(host)
    return None if provider is None else providers.route(provider, url.path)


RECORDINGS = list(recordings().values())


def facts_of(recorded: Recording, chunk_bytes: int) -> Facts:
    route = route_of(recorded)
    assert route is not None
    reader = route.reader()
    reader.read_headers(recorded.headers)
    body = Body(reader, recorded.content_type)
    for at in range(0, len(recorded.body), chunk_bytes):
        body.feed(recorded.body[at : at + chunk_bytes])
    body.finish()
    return reader.facts


def as_expected(facts: Facts) -> Mapping[str, object]:
    """Facts in the words of the recordings' index."""
    cost = facts.reported_cost_usd
    return {
        "response_model": facts.response_model,
        "response_id": facts.response_id,
        "input_tokens": facts.input_tokens,
        "cached_input_tokens": facts.cache_read_tokens,
        "cache_write_tokens": facts.cache_write_tokens,
        "cache_write_1h_tokens": facts.cache_write_1h_tokens,
        "output_tokens": facts.output_tokens,
        "reasoning_tokens": facts.reasoning_tokens,
        "audio_input_tokens": facts.audio_input_tokens,
        "audio_output_tokens": facts.audio_output_tokens,
        "service_tier": facts.service_tier,
        "web_search_requests": facts.web_search_requests,
        "finish_reasons": [reason for _, reason in sorted(facts.finish_reasons.items())],
        "error_type": facts.error_type,
        "provider_cost_usd": None if cost is None else f"{cost:f}",
        "usage_known": facts.is_usage_known,
    }


@pytest.mark.parametrize("chunk_bytes", [1 << 20, 37, 1])
@pytest.mark.parametrize("recorded", RECORDINGS, ids=lambda recorded: recorded.name)
def test_a_recorded_answer_is_read_exactly(recorded: Recording, chunk_bytes: int) -> None:
    assert as_expected(facts_of(recorded, chunk_bytes)) == recorded.expect
    assert faults.counts() == {}


@pytest.mark.parametrize("recorded", RECORDINGS, ids=lambda recorded: recorded.name)
def test_a_recorded_request_is_routed_to_its_provider(recorded: Recording) -> None:
    route = route_of(recorded)
    assert route is not None
    assert (route.provider, route.operation) == (recorded.provider, recorded.operation)
