"""Turns what every contender used, round after round, into what each added to a call."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bench.peers.provider import CHUNKS

BASELINE: Final = "none"
FLOOR: Final = "floor"
OURS: Final = "taximeter"
PEERS: Final = ("otel-genai", "otel-openai-v2", "openllmetry", "openinference", "logfire")

Round = Mapping[str, Mapping[str, float]]
"""By contender: `json_us`, `stream_us` and `first_chunk_us` of one call."""


class Added(NamedTuple):
    """What a contender used more than the baseline of the same round."""

    lower: float
    median: float
    upper: float


class Result(NamedTuple):
    """What is known of one contender."""

    json_us: Added
    stream_us: Added
    first_chunk_us: Added
    records: Mapping[str, bool]
    """Whether the spans of JSON answers and of streams have all usage as numbers."""
    growth_mib: float
    version: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "json": {"added_us": self.json_us.median, "quartiles": self.json_us[::2]},
            "stream": {
                "added_us": self.stream_us.median,
                "quartiles": self.stream_us[::2],
                "added_us_per_chunk": self.stream_us.median / CHUNKS,
            },
            "first_chunk_added_us": self.first_chunk_us.median,
            "records_all_usage": dict(self.records),
            "growth_mib": self.growth_mib,
        }


def added(rounds: Sequence[Round], name: str, measure: str) -> Added:
    """Median and quartiles of the differences to the baseline, round by round."""
    differences = [each[name][measure] - each[BASELINE][measure] for each in rounds]
    if len(differences) < 2:
        return Added(*differences * 3)
    return Added(*statistics.quantiles(differences, n=4, method="inclusive"))


def best_peer(
    results: Mapping[str, Result], answer: str, cost: Callable[[Result], Added]
) -> str | None:
    """The peer that adds least among those that record all usage of this kind of answer."""
    complete = [name for name in PEERS if name in results and results[name].records[answer]]
    return min(complete, key=lambda name: cost(results[name]).median, default=None)


def summary(results: Mapping[str, Result]) -> dict[str, Any]:
    """Ours, and its ratios to the best peer and to the floor; None where none can be had."""
    ours = results[OURS]
    best_json = best_peer(results, "json", lambda result: result.json_us)
    best_stream = best_peer(results, "stream", lambda result: result.stream_us)
    return {
        "json": {
            "added_us": ours.json_us.median,
            "ratio_to_best_peer": _ratio(ours.json_us, best_json and results[best_json].json_us),
            "ratio_to_floor": _ratio(ours.json_us, results[FLOOR].json_us),
            "best_peer": best_json,
        },
        "stream": {
            "added_us_per_chunk": ours.stream_us.median / CHUNKS,
            "ratio_to_best_peer": _ratio(
                ours.stream_us, best_stream and results[best_stream].stream_us
            ),
            "best_peer": best_stream,
        },
        "first_chunk_added_us": ours.first_chunk_us.median,
        "growth_mib": ours.growth_mib,
    }


def _ratio(ours: Added, other: Added | str | None) -> float | None:
    if not isinstance(other, Added) or other.median <= 0:
        return None
    return ours.median / other.median
