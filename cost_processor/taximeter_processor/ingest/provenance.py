"""Which counts of a span were read as what, and which were left out and why.

The span's own reader is asked: a count that is read changes what is read when it is changed. So
this never says otherwise than what is billed, and a dialect needs no second description.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from taximeter import attributes as names
from taximeter_processor.ingest.calls import reading_of
from taximeter_processor.ingest.dialects import (
    adk,
    genkit,
    langfuse,
    langsmith,
    litellm,
    openinference,
    taximeter,
    vercel,
)
from taximeter_processor.ingest.dialects.base import (
    IGNORED_BECAUSE,
    REPORTED_COST,
    BadSpan,
    Reading,
    field_of,
    numbers_in,
)
from taximeter_processor.model import AttributeValue, NotACall, Span, Usage

Raw = Mapping[str, AttributeValue]
"""Attribute, or `attribute#path` inside a JSON one, to the number that stood there."""

REPORTED_COST_USD: Final = "reported_cost_usd"
_CHANGE: Final = 7_919
_LARGE: Final = 10**11

_MARKS: Final[Mapping[str, Mapping[str, AttributeValue]]] = {
    "openinference": {openinference.MARK: "LLM"},
    "langsmith": {langsmith.MARK: "llm"},
    "langfuse": {langfuse.MARK: "generation"},
    "vercel": {vercel.MARK: "ai.generateText.doGenerate"},
    "genkit": {genkit.MARK: "model"},
    "adk": {adk.MARK: ""},
    "litellm": {litellm.MARK: ""},
}
"""What makes a reader take a span for a call, where that is more than an operation or a count."""


class Ignored(NamedTuple):
    """A count that is in no line of the bill."""

    name: str
    value: AttributeValue
    reason: str
    """`total`, `repeated`, `contained`, `limit`, `not_billed`, `reported_cost`, `zero` or
    `not_read`."""
    why: str
    """The same as a sentence."""


class Provenance(NamedTuple):
    """What became of every count."""

    raw: Raw
    read_as: Mapping[str, tuple[str, ...]]
    """Attribute to the fields of `Usage` that it decides."""
    ignored: tuple[Ignored, ...]
    told: Usage
    """What was read, before it is corrected for what the emitter is known to leave out."""


def provenance(span: Span, raw: Raw) -> Provenance:
    """The account of a call's counts; `raw` are those that stand on it."""
    try:
        reading = reading_of(span)
    except BadSpan:
        reading = NotACall("")
    if isinstance(reading, NotACall):
        return Provenance(raw, {}, (), Usage())
    effects = {name: _effect(span, reading, name) for name in raw}
    read_as = {
        name: fields
        for name, fields in effects.items()
        if fields and fields != (REPORTED_COST_USD,)
    }
    ignored = (
        Ignored(name, value, *_reason(name, value, raw, read_as))
        for name, value in raw.items()
        if name not in read_as
    )
    return Provenance(raw, read_as, tuple(ignored), reading.usage)


def stored_provenance(dialect: str, raw: Raw | None, usage: Usage) -> Provenance:
    """The same for a call of the ledger, which keeps its counts and not its span."""
    if raw is None:
        raw = taximeter.attributes_of(usage) if dialect == taximeter.DIALECT else {}
    raw = dict(sorted(raw.items()))
    attributes: dict[str, AttributeValue] = {names.OPERATION_NAME: "chat", names.REQUEST_MODEL: "?"}
    inside: dict[str, dict[str, Any]] = {}
    for name, value in raw.items():
        attribute, is_inside, path = name.partition("#")
        if is_inside:
            _put(inside.setdefault(attribute, {}), path.split("."), value)
        else:
            attributes[name] = value
    attributes |= {name: json.dumps(value) for name, value in inside.items()}
    attributes |= _MARKS.get(dialect, {})
    scope = taximeter.SCOPE if dialect == taximeter.DIALECT else ""
    return provenance(Span("", "", "", "", 0, 0, False, attributes, {}, scope), raw)


def with_lines(found: Provenance, meters: frozenset[str]) -> Provenance:
    """The same when the bill has these meters: what was read and is in none is ignored, too."""
    has_billed = any(not _BILLED.isdisjoint(fields) for fields in found.read_as.values())
    more = []
    for name, fields in found.read_as.items():
        if has_billed and all(field in _REPLACED for field in fields):
            why = "the provider bills another count than it used"
            more.append(Ignored(name, found.raw[name], "not_billed", why))
        elif fields == ("reasoning_tokens",) and meters and "output_reasoning" not in meters:
            why = "inside output_tokens, and priced as output"
            more.append(Ignored(name, found.raw[name], "contained", why))
    return found._replace(ignored=(*found.ignored, *more))


_BILLED: Final = frozenset({"billed_input_tokens", "billed_output_tokens"})
_REPLACED: Final = frozenset(Usage._fields[: Usage._fields.index("web_search_requests")])
"""Counts that are not looked at when a provider tells what it bills instead."""


def _effect(span: Span, before: Reading, name: str) -> tuple[str, ...]:
    """The fields that read otherwise when one count is another number."""
    attribute, _, path = name.partition("#")
    changed = dict(span.attributes)
    if path:
        content = numbers_in(changed[attribute])
        _change(content, path.split("."))
        changed[attribute] = json.dumps(content)
    else:
        changed[attribute] = _changed(changed[attribute])
    try:
        after = reading_of(span._replace(attributes=changed))
    except BadSpan:
        return (field_of(name),) if field_of(name) else ()
    if isinstance(after, NotACall):
        return ()
    pairs = zip(Usage._fields, before.usage, after.usage, strict=True)
    fields = tuple(field for field, old, new in pairs if old != new)
    if before.reported_cost != after.reported_cost:
        return (*fields, REPORTED_COST_USD)
    return fields


def _changed(value: Any) -> AttributeValue:
    """Another number of the same kind."""
    step = -_CHANGE if Decimal(str(value)) > _LARGE else _CHANGE
    return str(Decimal(value) + step) if isinstance(value, str) else value + step


def _reason(
    name: str, value: AttributeValue, raw: Raw, read_as: Mapping[str, tuple[str, ...]]
) -> tuple[str, str]:
    """Why a count that nothing depends on is not used: a stable word, and a sentence."""
    leaf = name.rpartition("#")[2].rpartition(".")[2].lower()
    reason = IGNORED_BECAUSE.get(name, "")
    if reason:
        return reason, _SENTENCES[reason]
    if name in REPORTED_COST or "cost" in name.lower():
        return "reported_cost", "what the emitter says it costs, never used as the price"
    field = field_of(name)
    sources = [other for other, fields in read_as.items() if field and field in fields]
    if sources:
        return "repeated", f"{field} is read from {', '.join(sources)}"
    if "total" in leaf:
        return "total", _SENTENCES["total"]
    if Decimal(str(value)) == 0:
        return "zero", "nothing was used"
    same = next(_equal(value, raw, read_as), "")
    if same:
        return "repeated", f"the same count as {same}"
    return "not_read", "no rule reads it: nothing was charged for it"


_SENTENCES: Final = {
    "total": "a sum of other counts",
    "contained": "a part of another count, and priced with it",
    "limit": "a limit that was asked for, not what was used",
    "repeated": "the same count stands under its own name, too",
}


def _equal(value: AttributeValue, raw: Raw, read_as: Mapping[str, object]) -> Iterator[str]:
    return (name for name in read_as if Decimal(str(raw[name])) == Decimal(str(value)))


def _put(mapping: dict[str, Any], path: list[str], value: AttributeValue) -> None:
    for name in path[:-1]:
        inner = mapping.get(name)
        mapping[name] = mapping = inner if isinstance(inner, dict) else {}
    mapping[path[-1]] = value


def _change(mapping: Any, path: list[str]) -> None:
    for name in path[:-1]:
        mapping = mapping.get(name) if isinstance(mapping, dict) else None
    if isinstance(mapping, dict) and path[-1] in mapping:
        mapping[path[-1]] = _changed(mapping[path[-1]])
