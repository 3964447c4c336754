"""Turns a usage object in OpenAI's format, with what others add to it, into facts.

Fields as in the openai SDK: `types/completion_usage.py`, `types/responses/response_usage.py`,
`types/images_response.py`, `types/audio/transcription.py`; the groq SDK's
`types/completion_usage.py`; and the documentation of DeepSeek, xAI, OpenRouter and Mistral.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from taximeter.providers.base import (
    Facts,
    count,
    dollars,
    first_count,
    items,
    members,
    text,
    token,
    whole_seconds,
)

_TICKS_PER_USD = 10**10
_PLAIN = frozenset(
    {
        *("prompt_tokens", "prompt_tokens_details", "input_tokens", "input_tokens_details"),
        *("completion_tokens", "completion_tokens_details"),
        *("output_tokens", "output_tokens_details", "total_tokens"),
    }
)
"""What OpenAI itself says of tokens: then there is nothing else to look for."""


def read_usage(facts: Facts, usage: Mapping[str, Any]) -> None:
    """Take over a usage object: the last one stands for the whole response, so it replaces."""
    inputs = _first_members(
        usage, "prompt_tokens_details", "input_tokens_details", "input_token_details"
    )
    outputs = _first_members(usage, "completion_tokens_details", "output_tokens_details")
    facts.input_tokens = first_count(usage, "prompt_tokens", "input_tokens")
    facts.output_tokens = first_count(usage, "completion_tokens", "output_tokens")
    facts.reasoning_tokens = count(outputs.get("reasoning_tokens"))
    _read_cache(facts, usage, inputs)
    facts.audio_input_tokens = count(inputs.get("audio_tokens"))
    facts.audio_output_tokens = count(outputs.get("audio_tokens"))
    facts.image_input_tokens = count(inputs.get("image_tokens"))
    facts.image_output_tokens = count(outputs.get("image_tokens"))
    facts.service_tier = token(usage.get("service_tier")) or facts.service_tier
    _add_outside_reasoning(facts, count(usage.get("total_tokens")))
    if usage.keys() <= _PLAIN:
        return
    _read_seconds(facts, usage)
    _read_searches(facts, usage)
    _read_cost(facts, usage)


def read_image_tool(facts: Facts, body: Mapping[str, Any]) -> None:
    """Pictures drawn by a hosted tool are billed at the tool's model, outside `usage`."""
    usage = members(members(body.get("tool_usage")).get("image_gen"))
    if not count(usage.get("total_tokens")):
        return
    part = Facts(response_id=facts.response_id, service_tier=facts.service_tier)
    tools = items(body.get("tools"))
    models = [tool.get("model") for tool in tools if tool.get("type") == "image_generation"]
    part.response_model = text(models[0]) if models else None
    read_usage(part, usage)
    part.cache_read_tokens = count(usage.get("cached_tokens"))
    cached = members(usage.get("cached_tokens_details"))
    part.image_cache_read_tokens = count(cached.get("cached_image_tokens"))
    facts.parts = [part]


def read_breakdown(facts: Facts, breakdown: Mapping[str, Any]) -> None:
    """A compound system ran several models: each is billed at its own price.

    The models' usages add up to the response's own, so they replace it.
    """
    parts = []
    for entry in items(breakdown.get("models")):
        part = Facts(response_model=text(entry.get("model")), service_tier=facts.service_tier)
        read_usage(part, members(entry.get("usage")))
        if part.is_usage_known:
            part.response_id = facts.response_id
            parts.append(part)
    if parts:
        _take_over(facts, parts[0])
        facts.parts = parts[1:]


def _take_over(facts: Facts, part: Facts) -> None:
    facts.response_model = part.response_model or facts.response_model
    facts.input_tokens = part.input_tokens
    facts.output_tokens = part.output_tokens
    facts.reasoning_tokens = part.reasoning_tokens
    facts.cache_read_tokens = part.cache_read_tokens
    facts.cache_write_tokens = part.cache_write_tokens


def _read_cache(facts: Facts, usage: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """One spelling only: proxies repeat the same tokens under several names."""
    read = count(inputs.get("cached_tokens"))
    if read is None:
        read = first_count(usage, "prompt_cache_hit_tokens", "cache_read_input_tokens")
    written = count(inputs.get("cache_write_tokens"))
    if written is None:
        written = count(usage.get("cache_creation_input_tokens"))
    facts.cache_read_tokens, facts.cache_write_tokens = read, written
    if read is not None and facts.input_tokens is not None and read > facts.input_tokens:
        # xAI's Responses API has been seen to leave cached input out.
        facts.input_tokens += read


def _add_outside_reasoning(facts: Facts, total_tokens: int | None) -> None:
    """xAI leaves reasoning out of `completion_tokens`; only the total shows it."""
    if not facts.reasoning_tokens or total_tokens is None:
        return
    parts = (facts.input_tokens, facts.output_tokens, facts.reasoning_tokens)
    if total_tokens == sum(part or 0 for part in parts):
        facts.output_tokens = (facts.output_tokens or 0) + facts.reasoning_tokens


def _read_seconds(facts: Facts, usage: Mapping[str, Any]) -> None:
    """Sound that is billed by time: OpenAI's transcriptions, Mistral's audio input."""
    name = "seconds" if usage.get("type") == "duration" else "prompt_audio_seconds"
    facts.audio_seconds = whole_seconds(usage.get(name))


def _read_searches(facts: Facts, usage: Mapping[str, Any]) -> None:
    """Searches, as xAI and OpenRouter count them."""
    tools = members(usage.get("server_side_tool_usage_details"))
    searches = count(tools.get("web_search_calls"))
    if searches is None:
        searches = count(members(usage.get("server_tool_use")).get("web_search_requests"))
    if searches is not None:
        facts.web_search_requests = searches


def _read_cost(facts: Facts, usage: Mapping[str, Any]) -> None:
    """Cost as xAI (ticks) and OpenRouter (dollars) report it.

    With the customer's own key, OpenRouter's `cost` is its fee only.
    """
    ticks = count(usage.get("cost_in_usd_ticks"))
    if ticks is not None:
        facts.reported_cost_usd = Decimal(ticks) / _TICKS_PER_USD
    elif usage.get("cost") is not None:
        facts.reported_cost_usd = dollars(usage["cost"])
    if usage.get("is_byok") is True:
        upstream = members(usage.get("cost_details")).get("upstream_inference_cost")
        facts.upstream_cost_usd = dollars(upstream)


def _first_members(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        found = members(value.get(name))
        if found:
            return found
    return {}
