"""Turns what came of a scenario into complaints: what differs from the promise, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from taximeter import attributes
from tests.sdks.matrix import Played
from tests.sdks.run import TAGS
from tests.sdks.scenario import Given
from tests.taximeter.replay import recording

Check = Callable[[Played], Iterable[str]]

_COUNTS = {
    "input_tokens": attributes.INPUT_TOKENS,
    "output_tokens": attributes.OUTPUT_TOKENS,
    "cached_input_tokens": attributes.CACHE_READ_INPUT_TOKENS,
    "cache_write_tokens": attributes.CACHE_CREATION_INPUT_TOKENS,
    "cache_write_1h_tokens": attributes.CACHE_WRITE_1H_INPUT_TOKENS,
    "reasoning_tokens": attributes.REASONING_OUTPUT_TOKENS,
    "audio_input_tokens": attributes.AUDIO_INPUT_TOKENS,
    "audio_output_tokens": attributes.AUDIO_OUTPUT_TOKENS,
    "web_search_requests": attributes.WEB_SEARCH_REQUESTS,
    "provider_cost_usd": attributes.REPORTED_COST_USD,
}
"""What the recordings' index calls it, and the attribute that says it."""


def does_not_work(played: Played) -> Iterator[str]:
    """The scenario itself failed, or asked for less than was given."""
    for result in (played.without, played.metered):
        if result["failure"]:
            yield result["failure"]
        if result["unasked"]:
            yield f"{result['unasked']} answers were not asked for"


def looks_different(played: Played) -> Iterator[str]:
    """The application or the provider sees something else than without Taximeter."""
    for what in ("seen", "requests"):
        if played.without[what] != played.metered[what]:
            yield f"{what}: {played.without[what]} became {played.metered[what]}"


def not_one_span_an_attempt(played: Played) -> Iterator[str]:
    """There are more or fewer spans than requests, or spans of another provider's."""
    expected = [recording(given.recording).provider for given in played.given]
    providers = [span[attributes.PROVIDER_NAME] for span in played.spans]
    if providers != expected:
        yield f"spans of {providers} instead of {expected}"
    if played.without["spans"]:
        yield f"{len(played.without['spans'])} spans before instrument()"


def counts_differ(played: Played) -> Iterator[str]:
    """A span has other numbers than the answer it is about."""
    for given, span in zip(played.given, played.spans, strict=False):
        expected = {} if given.is_left or given.is_unavailable else _expected(given)
        for name, attribute in _COUNTS.items():
            if name in expected and span.get(attribute) != expected[name]:
                yield f"{attribute} is {span.get(attribute)} instead of {expected[name]}"


def outcome_differs(played: Played) -> Iterator[str]:
    """A span tells of another end than the attempt had."""
    for given, span in zip(played.given, played.spans, strict=False):
        outcome = span[attributes.USAGE_STATUS], span.get(attributes.ERROR_TYPE)
        if outcome != _outcome(given):
            yield f"{outcome} instead of {_outcome(given)}"


def tags_are_missing(played: Played) -> Iterator[str]:
    """A span lacks one of the four tags."""
    for span in played.spans:
        tags = {name: span.get(f"taximeter.{name}") for name in TAGS}
        if tags != TAGS:
            yield f"tags are {tags}"


def retries_are_miscounted(played: Played) -> Iterator[str]:
    """Attempts are not numbered from 0, though the SDK says which retry each is."""
    counts = retry_counts(played)
    if any(counts) and counts != list(range(len(counts))):
        yield f"retry counts are {counts}"


def something_of_ours_is_left(played: Played) -> Iterator[str]:
    """A fault of ours was noted, or a span never ended."""
    if any(played.stats.values()):
        yield f"{dict(played.stats)}"


CHECKS: tuple[Check, ...] = (
    does_not_work,
    looks_different,
    not_one_span_an_attempt,
    counts_differ,
    outcome_differs,
    tags_are_missing,
    retries_are_miscounted,
    something_of_ours_is_left,
)


def passes(played: Played) -> bool:
    """No check has anything to complain of."""
    return not any(list(check(played)) for check in CHECKS)


def retry_counts(played: Played) -> list[int | None]:
    return [span.get(attributes.RETRY_COUNT) for span in played.spans]


def _expected(given: Given) -> Mapping[str, Any]:
    return recording(given.recording).expect


def _outcome(given: Given) -> tuple[str, str | None]:
    if given.is_unavailable:
        return "missing", "503"
    if given.is_left:
        return "partial", None
    error = _expected(given)["error_type"]
    if not _expected(given)["usage_known"]:
        return "missing", error
    return ("partial" if error else "reported"), error
