"""Turns a span into a `Call` in one normal form, or says why it is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.decoded import Rejected
from taximeter_processor.ingest.dialects import RULES, UNMARKED, litellm, taximeter, vercel
from taximeter_processor.ingest.dialects.base import (
    RESPONSE_ID,
    BadSpan,
    Reading,
    first_text,
    text_of,
)
from taximeter_processor.ingest.dialects.estimates import is_estimate
from taximeter_processor.ingest.dialects.inclusion import excludes_cache
from taximeter_processor.ingest.providers import canonical_provider
from taximeter_processor.ingest.raw_usage import raw_usage
from taximeter_processor.ingest.tags import TagReader
from taximeter_processor.model import (
    AttributeValue,
    Call,
    NotACall,
    Span,
    Usage,
    UsageStatus,
)
from taximeter_processor.money import usd_to_pico
from taximeter_processor.usage import is_plain_text

_TAGS: Final = frozenset(names.TAGS)
_MARKS: Final = frozenset(RULES)
_TIERS: Final = (
    names.SERVICE_TIER,
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    # What was asked for counts only when nothing says what was served.
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
)
_TIER_NAMES: Final = {
    "": "standard",
    "default": "standard",
    "auto": "standard",
    "on_demand": "standard",
    "provisioned_throughput": "provisioned",
}
_FAST_IS_PRIORITY: Final = frozenset({"openai", "azure.ai.openai", "azure.ai.inference"})
"""Sellers whose `priority` is asked for as `fast`; Anthropic's fast mode is a tier of its own."""
_STATUSES: Final[dict[object, UsageStatus]] = {
    "reported": "reported",
    "missing": "missing",
    "partial": "partial",
    "estimated": "estimated",
}
_ENVIRONMENT: Final = (
    "deployment.environment.name",
    "deployment.environment",
    "langfuse.environment",
    "gen_ai.environment",
)
_APPLICATION: Final = "gen_ai.application_name"
"""OpenLIT's name of the service, on the span itself."""
_MOST_TEXT: Final = 256
_INSTEAD: Final = Usage._fields.index("billed_input_tokens")
"""From here on a count of `Usage` is paid for instead of tokens, so that 0 of it says all."""
_MOST_COST_USD: Final = 1_000_000
_PICO_USD: Final = Decimal("1e-12")


class CallReader:
    """Reads the calls of one batch after the other; `tags` counts the values it dropped."""

    def __init__(self, aliases: Mapping[str, Sequence[str]] | None = None) -> None:
        self.tags = TagReader(aliases)
        self._resource: Mapping[str, AttributeValue] = {}
        self._service = ("", "")

    def read_all(self, spans: Sequence[Span]) -> Iterator[Call | NotACall | Rejected]:
        """What each span is; tags are inherited from ancestors among `spans`.

        What nobody can classify is a sum, and not refused, when calls among `spans` are below it.
        """
        by_id: Mapping[tuple[str, str], Span] = {}
        if any(span.parent_span_id and not span.attributes.keys() >= _TAGS for span in spans):
            by_id = {(span.trace_id, span.span_id): span for span in spans}
        above: frozenset[tuple[str, str]] | None = None
        for span in spans:
            found = self.read(span, by_id)
            if type(found) is Rejected and found.reason == BadSpan.reason:
                above = _above_calls(spans) if above is None else above
                if (span.trace_id, span.span_id) in above:
                    found = NotACall("aggregate")
            yield found

    def read(
        self, span: Span, by_id: Mapping[tuple[str, str], Span] | None = None
    ) -> Call | NotACall | Rejected:
        """What one span is. Raises nothing that a span could cause."""
        try:
            reading = reading_of(span)
            if isinstance(reading, NotACall):
                return reading
            return self._call(span, reading, by_id or {})
        except BadSpan as error:
            return Rejected(error.reason, str(error))

    def _call(self, span: Span, reading: Reading, by_id: Mapping[tuple[str, str], Span]) -> Call:
        get = span.attributes.get
        provider, request_model, response_model, emitter = _identity(
            reading.provider,
            reading.request_model,
            reading.response_model,
            text_of(get(names.SERVER_ADDRESS)),
            span.scope or reading.dialect,
        )
        usage = _inclusive(reading, span, provider)
        feature, tenant, team, request_type = self.tags.read(span, by_id)
        tier = _tier(span, reading.tier, provider)
        if span.resource is not self._resource:
            self._resource, self._service = span.resource, _service(span.resource)
        service, environment = self._service
        return Call(
            span.trace_id,
            span.span_id,
            span.parent_span_id,
            span.start_ns // 1000,
            span.end_ns // 1000,
            emitter,
            reading.dialect,
            service or _text(get(_APPLICATION)),
            environment or _environment(span.attributes),
            feature,
            tenant,
            team,
            request_type or _implied_request_type(span, tier),
            provider,
            request_model,
            response_model,
            reading.operation,
            tier,
            _text(first_text(span.attributes, RESPONSE_ID)),
            usage,
            _usage_status(span, provider, reading, usage),
            _is_error(span),
            get(names.CACHE_HIT) is True,
            None if reading.reported_cost is None else _pico(reading.reported_cost),
            reading.called_model,
            None if _is_told_by_columns(reading, usage) else raw_usage(span.attributes),
        )


def _above_calls(spans: Sequence[Span]) -> frozenset[tuple[str, str]]:
    """Trace and span id of every span that has a call with usage below it, in one pass."""
    parents = {(span.trace_id, span.span_id): span.parent_span_id for span in spans}
    above: set[tuple[str, str]] = set()
    for span in spans:
        key = (span.trace_id, span.parent_span_id)
        if key in parents and key not in above and _tells_usage(span):
            while key in parents and key not in above:
                above.add(key)
                key = (span.trace_id, parents[key])
    return frozenset(above)


def _tells_usage(span: Span) -> bool:
    try:
        reading = reading_of(span)
    except BadSpan:
        return False
    return isinstance(reading, Reading) and any(reading.usage)


@lru_cache(maxsize=8192)
def _identity(
    provider: str, request_model: str, response_model: str, server_address: str, emitter: str
) -> tuple[str, str, str, str]:
    """(canonical provider, request model, response model, emitter), fit for labels."""
    requested, responded = _text(request_model), _text(response_model)
    canonical = canonical_provider(provider, server_address, responded or requested)
    return canonical, requested, responded, _text(emitter)


def reading_of(span: Span) -> Reading | NotACall:
    """What the span's dialect reads. Raises `BadSpan` for what cannot be read."""
    if span.scope == taximeter.SCOPE:
        return taximeter.read(span)
    attributes = span.attributes
    if not _MARKS.isdisjoint(attributes):
        for mark, read in RULES.items():
            if mark in attributes and (found := read(span)) is not None:
                return found
    elif span.name == litellm.RAW_DUMP:
        return NotACall("raw_dump")
    return vercel.read(span) if span.scope == vercel.SCOPE else UNMARKED(span)


def _inclusive(reading: Reading, span: Span, provider: str) -> Usage:
    """Usage with cached input inside input, and no output counted as none for embeddings.

    Besides emitters known to leave the cache out, one whose cache exceeds its input must.
    """
    usage = reading.usage
    inputs, outputs, read, written = usage[:4]
    cached = (read or 0) + (written or 0)
    if cached and (
        reading.excludes_cache
        or cached > (inputs or 0)
        or (
            reading.dialect != taximeter.DIALECT
            and excludes_cache(
                span, reading.provider, provider, reading.response_model or reading.request_model
            )
        )
    ):
        inputs = (inputs or 0) + cached
        usage = usage._replace(input_tokens=inputs)
    if usage.input_audio_tokens or usage.input_image_tokens:
        usage = _with_forced_overlap(usage)
    if outputs is None and inputs is not None and reading.operation == "embeddings":
        usage = usage._replace(output_tokens=0)
    return usage


def _with_forced_overlap(usage: Usage) -> Usage:
    """Cached audio and images that nobody told apart: at least what else exceeds the input.

    Where only they are told, they are the whole of what was read from a cache.
    """
    parts = (usage.cache_read_audio_tokens or 0) + (usage.cache_read_image_tokens or 0)
    if parts and usage.cache_read_tokens is None:
        usage = usage._replace(cache_read_tokens=parts)
    counts = {name: value or 0 for name, value in usage._asdict().items()}
    excess = (
        counts["cache_read_tokens"] + counts["cache_write_tokens"]
        + counts["input_audio_tokens"] - counts["cache_read_audio_tokens"]
        + counts["input_image_tokens"] - counts["cache_read_image_tokens"]
        - counts["input_tokens"]
    )  # fmt: skip
    audio = usage.cache_read_audio_tokens
    if excess > 0 and audio is None:
        audio = min(excess, counts["input_audio_tokens"], counts["cache_read_tokens"])
        excess -= audio
    image = usage.cache_read_image_tokens
    if excess > 0 and image is None:
        room = counts["cache_read_tokens"] - (audio or 0)
        image = min(excess, counts["input_image_tokens"], room)
    return usage._replace(cache_read_audio_tokens=audio, cache_read_image_tokens=image)


def _is_told_by_columns(reading: Reading, usage: Usage) -> bool:
    """One of our own spans, which name each count in one way, with those that have columns."""
    return reading.dialect == taximeter.DIALECT and is_plain_text(usage)


def _usage_status(span: Span, provider: str, reading: Reading, usage: Usage) -> UsageStatus:
    if (
        usage.input_tokens is None
        and usage.output_tokens is None
        and not usage.web_search_requests
        and all(count is None for count in usage[_INSTEAD:])
    ):
        return "missing"
    told = span.attributes.get(names.USAGE_STATUS)
    if told is None and provider == "aws.bedrock" and is_estimate(span, reading.request_model):
        return "estimated"
    if told is None and _is_error(span):
        return "partial"  # as our own instrumentation says of a call that failed after it counted
    status = _STATUSES.get(told, "reported") if isinstance(told, str) else "reported"
    return "reported" if status == "missing" else status


def _is_error(span: Span) -> bool:
    return span.is_error or names.ERROR_TYPE in span.attributes


def _tier(span: Span, implied: str, provider: str) -> str:
    """The tier that served the call, in a small vocabulary where it has a name there."""
    get, told = span.attributes.get, implied
    for key in _TIERS:
        value = get(key)
        if isinstance(value, str):
            told = value
            break
    tier = told.lower()
    if (
        tier == "fast"
        and provider in _FAST_IS_PRIORITY
        and names.SERVICE_TIER not in span.attributes
    ):
        return "priority"
    return _TIER_NAMES.get(tier) or _text(tier)


def _implied_request_type(span: Span, tier: str) -> str:
    if tier == "batch":
        return "batch"
    return "interactive" if span.attributes.get(names.REQUEST_STREAM) is True else ""


def _service(resource: Mapping[str, AttributeValue]) -> tuple[str, str]:
    """(service, environment) of a resource; computed once for all of its spans."""
    return _text(resource.get("service.name")), _environment(resource)


def _environment(attributes: Mapping[str, AttributeValue]) -> str:
    for key in _ENVIRONMENT:
        if key in attributes:
            return _text(attributes[key])
    return ""


def _text(value: object) -> str:
    """A name that fits a label: printable, at most 256 characters."""
    if not isinstance(value, str):
        return ""
    text = value if len(value) <= _MOST_TEXT else value[:_MOST_TEXT]
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def _pico(value: object) -> int | None:
    """Reported dollars as pico-USD; what is no plausible amount is not reported."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        return None
    if not usd.is_finite() or not 0 <= usd <= _MOST_COST_USD:
        return None
    # First to 12 decimals: a tiny exponent would make an enormous fraction.
    return usd_to_pico(usd.quantize(_PICO_USD, ROUND_HALF_EVEN))
