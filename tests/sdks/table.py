"""Turns the results of all SDKs into `docs/sdks.md`.

python -m tests.sdks.table
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tests.sdks.checks import passes, retry_counts
from tests.sdks.matrix import ROOT, RUNS, Played, Run, run

PAGE = ROOT / "docs" / "sdks.md"
COLUMNS = (
    "JSON",
    "stream",
    "async JSON",
    "async stream",
    "error",
    "retry",
    "left early",
    "raw response",
    "streaming response",
)
"""The features that most SDKs have; the rest is listed in the last column."""
_INTRODUCTION = """\
# SDKs: what is tested, in which versions

Written by the tests themselves (`python -m tests.sdks.table`). Each SDK runs in an environment of
its own against a local server that replays recorded answers, once without Taximeter and once with
it. A ✓ says: the application saw the same both times, and so did the provider; there is exactly one
span for every attempt, with the answer's own token counts and all four tags; nothing stayed open
and nothing of ours failed.
"""
_LEGEND = """\
✓ tested · ✗ fails · empty: the SDK has no such thing, or it is not tried. *error*: the provider
refuses, or fails within a stream. *retry*: the SDK tries again by itself; 0, 1: the spans are
numbered, because the SDK says which attempt it is. *left early*: a stream that the application
leaves after its first event. HTTP/2 and trio are tried below the SDKs, with httpx and httpx2.
"""


def page() -> str:
    """The whole document."""
    lines = [_INTRODUCTION, f"Python {sys.version_info.major}.{sys.version_info.minor}.", ""]
    lines += [_row(["SDK", "version", "environment", *COLUMNS, "also"])]
    lines += ["|" + "---|" * (len(COLUMNS) + 4)]
    lines += [_sdk(environment, run(environment, sdk)) for environment, sdk in RUNS]
    return "\n".join([*lines, "", _LEGEND])


def _sdk(environment: str, result: Run) -> str:
    features = dict.fromkeys(played.feature for played in result.played)
    also = [
        feature if cell == "✓" else f"{feature} {cell}"
        for feature in features
        if feature not in COLUMNS and (cell := _cell(feature, result.played))
    ]
    cells = [_cell(column, result.played) for column in COLUMNS]
    return _row([result.distribution, result.version, environment, *cells, ", ".join(also)])


def _cell(feature: str, scenarios: Iterable[Played]) -> str:
    of_feature = [played for played in scenarios if played.feature == feature]
    if not of_feature:
        return ""
    if not all(map(passes, of_feature)):
        return "✗"
    is_counted = feature == "retry" and retry_counts(of_feature[0])[-1]
    return "✓ 0, 1" if is_counted else "✓"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page())
