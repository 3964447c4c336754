"""Sets what the provider says it served against what the ledger says was bought, model by model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from taximeter_processor.demo.answers import Answer


class Count(NamedTuple):
    """Answers of one model and the tokens in them."""

    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


Counts = dict[str, Count]

REFUSED = "refused"
"""The line for requests that were turned away, whatever their model."""


def of_provider(answers: Iterable[Answer], errors: Mapping[int, int]) -> Counts:
    """The provider's own count by requested model."""
    counts: Counts = {}
    for answer in answers:
        used = Count(1, answer.input_tokens, answer.output_tokens)
        _add(counts, answer.request_model, used)
    if errors:
        counts[REFUSED] = Count(sum(errors.values()))
    return counts


def of_ledger(rows: Iterable[Mapping[str, Any]]) -> Counts:
    """The ledger's count, from rows of the `costs` read by model and status."""
    counts: Counts = {}
    for row in rows:
        name = REFUSED if row["status"] == "failed" else str(row["model"])
        _add(counts, name, Count(row["requests"], row["input_tokens"], row["output_tokens"]))
    return counts


def _add(counts: Counts, name: str, more: Count) -> None:
    before = counts.get(name, Count())
    counts[name] = Count(*(old + new for old, new in zip(before, more, strict=True)))
