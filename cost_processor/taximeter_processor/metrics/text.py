"""Metric families written as exposition text at once, for those that have very many samples.

`prometheus_client` makes several objects and sorts the labels of every sample. Cost and spend may
have a hundred thousand, every 15 seconds, so their lines are put together from parts kept ready.
Format: Prometheus text 0.0.4 and OpenMetrics 1.0, which agree on such lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from taximeter_processor.names import Metric

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_NO_EXEMPLARS: Final[Mapping[int, str]] = MappingProxyType({})


class TextFamily:
    """One family: its header and its lines, each `name{labels} value` and a line end."""

    def __init__(
        self, metric: Metric, lines: list[str], exemplars: Mapping[int, str] = _NO_EXEMPLARS
    ) -> None:
        self.name = metric.name.removesuffix("_total")
        """As the library and OpenMetrics call the family."""
        self._metric = metric
        self._lines = lines
        self._exemplars = exemplars
        """By the number of its line; only OpenMetrics has them."""

    def text(self) -> str:
        """As Prometheus' text format has it."""
        return self._header(self._metric.name) + "".join(self._lines)

    def openmetrics(self) -> str:
        """As OpenMetrics has it: a counter's family has no `_total`, lines may have exemplars."""
        lines: Iterable[str] = self._lines
        if self._exemplars:
            told = self._exemplars
            lines = (
                f"{line[:-1]} # {told[number]}\n" if number in told else line
                for number, line in enumerate(self._lines)
            )
        return self._header(self.name).replace('"', r"\"") + "".join(lines)

    @property
    def samples(self) -> list[Sample]:
        """The same as values: for those who look rather than scrape."""
        (family,) = text_string_to_metric_families(self.text())
        return family.samples

    def _header(self, name: str) -> str:
        told = self._metric.help.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {name} {told}\n# TYPE {name} {self._metric.type}\n"


AnyFamily = Family | TextFamily
"""A family as the library has it, or as text."""


def labels_text(names: Sequence[str], values: Iterable[str]) -> str:
    """`feature="search",team="growth"`: in the order of the names, as the library has it."""
    return ",".join(
        f'{name}="{value.translate(_ESCAPES)}"'
        for name, value in sorted(zip(names, values, strict=True))
    )
