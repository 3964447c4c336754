"""Which emitters leave cached input out of the input they count, by provider: one row each.

Every other emitter counts all input, as the conventions ask. A wrong row is dear: it charges the
cache twice or not at all, so each says what it rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from taximeter_processor.model import Span

_BEDROCK: Final = frozenset({"aws.bedrock"})
_ENVOY: Final = "envoyproxy/ai-gateway"


class Told(NamedTuple):
    """What a span says of who was called, beside who that is."""

    span: Span
    provider: str
    """As the emitter spells it, in lower case."""
    model: str


class Exclusion(NamedTuple):
    """An emitter whose input count holds no cached tokens when it calls these providers."""

    emitter: str
    providers: frozenset[str]
    """Canonical names."""
    fits: Callable[[Told], bool]
    why: str


def _is_converse(told: Told) -> bool:
    return told.span.name.startswith("bedrock.converse")


def _is_openinference(told: Told) -> bool:
    return "openinference.span.kind" in told.span.attributes


def _is_nova(told: Told) -> bool:
    """Told by what instruments Bedrock itself: LangChain sums what Bedrock tells apart."""
    is_direct = not told.span.scope or told.span.scope.endswith("bedrock")
    return _is_openinference(told) and is_direct and "nova" in told.model


def _is_strands(told: Told) -> bool:
    return told.provider == "strands-agents" or told.span.scope.startswith("strands.")


def _is_openlit(told: Told) -> bool:
    span = told.span
    return (
        "openlit" in (span.attributes.get("telemetry.sdk.name"), span.scope.partition(".")[0])
        or span.resource.get("telemetry.sdk.name") == "openlit"
        or "gen_ai.usage.cost" in span.attributes
    )


def _is_envoy(told: Told) -> bool:
    if _is_openinference(told):
        return False
    # Only Envoy spells these two, so they tell even where the scope was lost.
    is_spelling = told.provider in ("gcp.anthropic", "aws.anthropic")
    return is_spelling or (told.span.scope == _ENVOY and told.provider == "anthropic")


EXCLUSIONS: Final = (
    Exclusion(
        "OpenInference", _BEDROCK, lambda told: _is_openinference(told) and _is_converse(told),
        "Converse's inputTokens is passed through",
    ),
    Exclusion(
        "OpenInference", _BEDROCK, _is_nova,
        "Nova's inputTokens is passed through; only Anthropic's is summed",
    ),
    Exclusion("OpenLLMetry", _BEDROCK, _is_converse, "Converse's inputTokens is passed through"),
    Exclusion(
        "OpenLIT", frozenset({"anthropic"}), _is_openlit, "Anthropic's input_tokens is passed on"
    ),
    Exclusion(
        "Strands", _BEDROCK, _is_strands,
        "Bedrock's inputTokens is passed through",
    ),
    Exclusion(
        "Envoy AI Gateway", frozenset({"anthropic", *_BEDROCK, "gcp.vertex_ai"}), _is_envoy,
        "in the conventions' names, Anthropic's input_tokens is passed through",
    ),
)  # fmt: skip


_CONCERNED: Final = frozenset().union(*(row.providers for row in EXCLUSIONS))


def excludes_cache(span: Span, told_provider: str, provider: str, model: str) -> bool:
    """The span's input count leaves cached tokens out, by the table above."""
    if provider not in _CONCERNED:
        return False
    told = Told(span, told_provider.lower(), model)
    return any(provider in row.providers and row.fits(told) for row in EXCLUSIONS)
