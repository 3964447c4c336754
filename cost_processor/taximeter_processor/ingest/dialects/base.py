"""What a dialect finds in a span, and the reading of counts and aliases that all dialects share."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from taximeter import attributes as names
from taximeter_processor.ingest.providers import is_framework
from taximeter_processor.model import AttributeValue, Usage

MOST_COUNT: Final = 10**12
_MOST_JSON: Final = 65_536
_NUMBER: Final = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?|nan|-?inf", re.IGNORECASE)

Attributes = Mapping[str, AttributeValue]


class BadSpan(ValueError):
    """A span that may have cost money but cannot be read; `reason` is stable."""

    reason = "unclassifiable"


class BadCount(BadSpan):
    """A token count that cannot be one: negative, fractional, absurd or no number."""

    reason = "bad_count"


class Reading(NamedTuple):
    """What a dialect read, before provider names are made canonical."""

    dialect: str
    operation: str
    provider: str
    """As the emitter spells it; may be a framework's name or empty."""
    request_model: str
    response_model: str
    usage: Usage
    excludes_cache: bool = False
    """`usage.input_tokens` leaves cached input out: it must be added."""
    reported_cost: AttributeValue | None = None
    """Dollars as the emitter wrote them."""
    tier: str = ""
    """The service tier, where it is told in no attribute of its own."""
    called_model: str = ""
    """What a proxy says it really called."""


# First present wins, whatever the dialect: spans often carry the names of two.
PROVIDER: Final = (
    names.PROVIDER_NAME,
    "gen_ai.system",
    # The host that was called is the seller; the model's maker only stands in for it.
    "llm.provider",
    "ai.model.provider",
    "llm.system",
)
REQUEST_MODEL: Final = (
    names.REQUEST_MODEL,
    "llm.request.model_name",
    "ai.model.id",
    "langfuse.observation.model.name",
    "embedding.model_name",
    "llm.model_name",
    "llm.request.model",
)
RESPONSE_MODEL: Final = (
    names.RESPONSE_MODEL,
    "llm.response.model_name",
    "ai.response.model",
    "llm.response.model",
)
RESPONSE_ID: Final = (names.RESPONSE_ID, "ai.response.id")

# First present wins, never summed: emitters repeat one count under several names.
INPUT: Final = (
    names.INPUT_TOKENS,
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "llm.usage.prompt_tokens",
)
OUTPUT: Final = (
    names.OUTPUT_TOKENS,
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "llm.usage.completion_tokens",
)
CACHE_READ: Final = (
    names.CACHE_READ_INPUT_TOKENS,
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.input_cached_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
    "llm.usage.cache_read_input_tokens",
)
CACHE_WRITE: Final = (
    names.CACHE_WRITE_INPUT_TOKENS,
    names.CACHE_CREATION_INPUT_TOKENS,
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "gen_ai.usage.prompt_tokens_details.cache_creation_tokens",
    "llm.token_count.prompt_details.cache_write",
    "llm.token_count.prompt_details.cache_creation",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
    "llm.usage.cache_creation_input_tokens",
)
REASONING: Final = (
    names.REASONING_OUTPUT_TOKENS,
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
    "llm.usage.reasoning_tokens",
    "gen_ai.usage.experimental.reasoning_tokens",
    # pydantic-ai's details, in the words of Anthropic and Google.
    "gen_ai.usage.details.thinking_tokens",
    "gen_ai.usage.details.thoughts_tokens",
)
INPUT_AUDIO: Final = (
    names.AUDIO_INPUT_TOKENS,
    "gen_ai.usage.details.input_audio_tokens",
    "llm.token_count.prompt_details.audio",
)
OUTPUT_AUDIO: Final = (
    names.AUDIO_OUTPUT_TOKENS,
    "gen_ai.usage.details.output_audio_tokens",
    "llm.token_count.completion_details.audio",
)
REPORTED_COST: Final = (
    names.REPORTED_COST_USD,
    "litellm.cost.total",
    "gen_ai.cost.total_cost",
    "operation.cost",
    "gen_ai.usage.cost",
    "llm.cost.total",
)
_COUNTS: Final[dict[str, tuple[str, ...]]] = {
    "input_tokens": INPUT,
    "output_tokens": OUTPUT,
    "cache_read_tokens": CACHE_READ,
    "cache_write_tokens": CACHE_WRITE,
    "cache_write_1h_tokens": (names.CACHE_WRITE_1H_INPUT_TOKENS,),
    "reasoning_tokens": REASONING,
    "input_audio_tokens": INPUT_AUDIO,
    "output_audio_tokens": OUTPUT_AUDIO,
    "input_image_tokens": (names.IMAGE_INPUT_TOKENS,),
    "output_image_tokens": (names.IMAGE_OUTPUT_TOKENS,),
    "cache_read_audio_tokens": (
        names.AUDIO_CACHE_READ_INPUT_TOKENS,
        "gen_ai.usage.details.cache_audio_read_tokens",
    ),
    "cache_read_image_tokens": (names.IMAGE_CACHE_READ_INPUT_TOKENS,),
    "web_search_requests": (names.WEB_SEARCH_REQUESTS,),
    "billed_input_tokens": (names.BILLED_INPUT_TOKENS,),
    "billed_output_tokens": (names.BILLED_OUTPUT_TOKENS,),
    "search_units": (names.SEARCH_UNITS,),
    "pages": (names.PAGES,),
    "audio_seconds": (names.AUDIO_SECONDS,),
}
# Attribute -> (field of `Usage`, rank among its aliases): one look a key, not one an alias.
_SLOTS: Final = {
    alias: (Usage._fields.index(name), rank)
    for name, aliases in _COUNTS.items()
    for rank, alias in enumerate(aliases)
}
USAGE_KEYS: Final = frozenset({*_SLOTS, *REPORTED_COST})
# Read by nobody on purpose, and why.
IGNORED_BECAUSE: Final = {
    "gen_ai.usage.total_tokens": "total",
    "llm.usage.total_tokens": "total",
    "llm.token_count.total": "total",
    "ai.usage.totalTokens": "total",
    "gen_ai.client.token.usage": "total",
    "gen_ai.aggregated_usage.input_tokens": "total",
    "gen_ai.aggregated_usage.output_tokens": "total",
    "gen_ai.usage.details.input_tokens": "repeated",
    "gen_ai.usage.details.output_tokens": "repeated",
    "gen_ai.usage.text.input_tokens": "contained",
    "gen_ai.usage.text.output_tokens": "contained",
    "gen_ai.usage.text.cache_read.input_tokens": "contained",
    "gen_ai.request.max_tokens": "limit",
    "ai.usage.inputTokenDetails.noCacheTokens": "contained",
    "ai.usage.outputTokenDetails.textTokens": "contained",
}
IGNORED_USAGE_KEYS: Final = frozenset(IGNORED_BECAUSE)


def field_of(alias: str) -> str:
    """The field of `Usage` that an attribute may be read as, or empty."""
    slot = _SLOTS.get(alias)
    return Usage._fields[slot[0]] if slot else ""


def count(value: object, name: str = "") -> int | None:
    """A token count that may arrive as int, double or text; None when absent.

    Raises `BadCount` naming the attribute and the value.
    """
    if value is None:
        return None
    number: int | None = None
    if type(value) is int:
        number = value
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else None
    elif isinstance(value, str):
        number = _count_of_text(value)
    if number is None or not 0 <= number <= MOST_COUNT:
        raise BadCount(f"{name} is {_told(value)}: expected a whole number of at most 10^12")
    return number


def text_of(value: object) -> str:
    """A text attribute's value; empty for an absent one and for every other kind."""
    return value if type(value) is str else ""


def _told(value: object) -> str:
    """A wrong count as a message may repeat it: a number, or what kind of thing it is instead."""
    text = str(value) if isinstance(value, (float, str)) else ""
    if isinstance(value, int) and abs(value) < 10**40:
        text = str(value)
    is_number = len(text) <= 40 and _NUMBER.fullmatch(text)
    return text if is_number else f"of type {type(value).__name__}"


def first_text(attributes: Attributes, aliases: Iterable[str]) -> str:
    """The text under the first alias that holds some, else empty."""
    for alias in aliases:
        value = attributes.get(alias)
        if isinstance(value, str) and value:
            return value
    return ""


def provider_of(attributes: Attributes, aliases: Sequence[str] = PROVIDER) -> str:
    """The first seller told of, else the first framework: it is for the host and model to tell."""
    found = [text for alias in aliases if (text := text_of(attributes.get(alias)))]
    sellers = (name for name in found if not is_framework(name))
    return next(sellers, found[0] if found else "")


def usage_of(attributes: Attributes) -> Usage:
    """The counts of every dialect that writes them as plain attributes."""
    counts: list[int | None] = [None] * len(Usage._fields)
    ranks = [len(_SLOTS)] * len(Usage._fields)
    odd: dict[int, str] = {}
    for key in attributes:
        slot = _SLOTS.get(key)
        if slot is not None and slot[1] < ranks[slot[0]]:
            index, ranks[slot[0]] = slot
            value = attributes[key]
            if type(value) is int and 0 <= value <= MOST_COUNT:
                counts[index] = value
                odd.pop(index, None)
            else:
                odd[index] = key
    for index, key in odd.items():
        counts[index] = count(attributes[key], key)
    return Usage._make(counts)


def reported_cost_of(attributes: Attributes) -> AttributeValue | None:
    """The dollars the emitter reports, as it wrote them."""
    for key in REPORTED_COST:
        value = attributes.get(key)
        if value is not None:
            return value
    return None


def numbers_in(text: object) -> dict[str, Any]:
    """The mapping in a JSON text or a Python `str(dict)`; empty for anything else."""
    if not isinstance(text, str) or len(text) > _MOST_JSON:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(text) if len(text) <= 4096 else None
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return {}
    return found if isinstance(found, dict) else {}


def inner(mapping: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at a path of nested mappings, or None."""
    value: Any = mapping
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def first_count(*values: object, name: str = "") -> int | None:
    """The first value that is there, as a count."""
    return next((count(value, name) for value in values if value is not None), None)


def cache_written(whole: int | None, *by_lifetime: int | None) -> int | None:
    """Cache writes, given also by lifetime: in the whole, or (LangChain, Langfuse) beside it."""
    parts = [part for part in by_lifetime if part is not None]
    if not parts:
        return whole
    return sum(parts) if whole in (None, sum(parts)) else sum(parts) + (whole or 0)


def _count_of_text(text: str) -> int | None:
    try:
        number = Decimal(text.strip()) if len(text) <= 40 else None
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or number.adjusted() > 18:
        return None
    return int(number) if number == number.to_integral_value() else None
