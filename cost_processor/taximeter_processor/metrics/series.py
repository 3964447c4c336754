"""One label set's running sums, and the table of all of them with its bounds.

Sums are integers: pico-USD for money, counts for the rest. A label set is *held* (shown as 0) until
it is `birth_hold` old, so that Prometheus sees it born at 0 and `increase()` misses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from taximeter_processor.names import OVERFLOW_VALUE, UNKNOWN_VALUE

Labels = tuple[str, ...]
Key = str
"""`family/last label's value`, e.g. `cost/input`: text, whose hash Python remembers."""


class Series:
    """The sums of one label set."""

    __slots__ = ("born_us", "labels", "sums")

    def __init__(self, labels: Labels, born_us: int) -> None:
        self.labels = labels
        self.born_us = born_us
        self.sums: dict[Key, int] = {}

    def add(self, key: Key, amount: int) -> None:
        """Add to one sum; a zero makes the sum exist."""
        self.sums[key] = self.sums.get(key, 0) + amount


class SeriesTable:
    """Label sets admitted in order of first appearance, at most `limit`.

    Past the limit the values at `collapsible` positions become `other`, one after the other; the
    collapsed sets have as much room again, after which every position collapses.
    """

    def __init__(self, limit: int, collapsible: tuple[int, ...] = ()) -> None:
        self.limit = limit
        self._collapsible = collapsible
        self._series: dict[Labels, Series] = {}
        self.overflows: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Series]:
        return iter(list(self._series.values()))

    def empty_copy(self) -> SeriesTable:
        """A table with the same bounds and nothing in it."""
        return SeriesTable(self.limit, self._collapsible)

    def get(self, labels: Labels, born_us: int) -> Series:
        """The series of a label set, admitted now if it is new and there is room."""
        return self._series.get(labels) or self._admit(labels, born_us)

    def find(self, labels: Labels) -> Labels:
        """The labels under which a label set is shown, without admitting it."""
        for candidate, _ in self._candidates(labels):
            if candidate in self._series:
                return candidate
        return labels if len(self) < self.limit else self._collapsed(labels)

    def _admit(self, labels: Labels, born_us: int) -> Series:
        for candidate, position in self._candidates(labels):
            known = self._series.get(candidate)
            room = self.limit if position is None else 2 * self.limit
            if known is None and len(self._series) >= room:
                continue
            if position is not None:
                self.overflows[position] = self.overflows.get(position, 0) + 1
            return known or self._new(candidate, born_us)
        self.overflows[-1] = self.overflows.get(-1, 0) + 1
        everything = (OVERFLOW_VALUE,) * len(labels)
        return self._series.get(everything) or self._new(everything, born_us)

    def _new(self, labels: Labels, born_us: int) -> Series:
        series = self._series[labels] = Series(labels, born_us)
        return series

    def _candidates(self, labels: Labels) -> Iterator[tuple[Labels, int | None]]:
        yield labels, None
        for position in self._collapsible:
            labels = (*labels[:position], OVERFLOW_VALUE, *labels[position + 1 :])
            yield labels, position

    def _collapsed(self, labels: Labels) -> Labels:
        *_, (last, _) = self._candidates(labels)
        return last


def shown(value: str) -> str:
    """A label's value: an absent tag is `unknown`."""
    return value or UNKNOWN_VALUE
