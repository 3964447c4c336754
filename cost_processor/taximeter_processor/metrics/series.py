"""One label set's running sums, and the table of all of them with its bounds.

Sums are integers: pico-USD for money, counts for the rest. A sum is *held* (shown as 0) until it is
`birth_hold` old, so that Prometheus sees it born at 0 and `increase()` misses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from taximeter_processor.names import OVERFLOW_VALUE, UNKNOWN_VALUE

Labels = tuple[str, ...]
Key = str
"""`family/last label's value`, e.g. `cost/input`: text, whose hash Python remembers."""


class Series:
    """The sums of one label set, each with the moment it was born."""

    __slots__ = ("born", "labels", "sums", "text")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.sums: dict[Key, int] = {}
        self.born: dict[Key, int] = {}
        """µs of the first addition: a meter may be used long after the label set appeared."""
        self.text: tuple[str, ...] = ()
        """The labels as a scrape shows them, in parts, once one has."""

    def add(self, key: Key, amount: int, at_us: int) -> None:
        """Add to one sum; a zero makes the sum exist."""
        sums = self.sums
        if key in sums:
            sums[key] += amount
        else:
            sums[key], self.born[key] = amount, at_us


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

    def __contains__(self, labels: Labels) -> bool:
        return labels in self._series

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series.values())

    def empty_copy(self) -> SeriesTable:
        """A table with the same bounds and nothing in it."""
        return SeriesTable(self.limit, self._collapsible)

    def admit(self, labels: Labels) -> None:
        """Give a label set its place now if it has none and there is room."""
        if labels not in self._series:
            self._place(labels)

    def get(self, labels: Labels, calls: int = 1) -> Series:
        """The series of a label set, admitted now if it is new; calls of a collapsed one count."""
        known = self._series.get(labels)
        if known is not None:
            return known
        series, position = self._place(labels)
        if position is not None:
            self.overflows[position] = self.overflows.get(position, 0) + calls
        return series

    def find(self, labels: Labels) -> Labels:
        """The labels under which a label set is shown, without admitting it."""
        for candidate, _ in self._candidates(labels):
            if candidate in self._series:
                return candidate
        return labels if len(self) < self.limit else self._collapsed(labels)

    def _place(self, labels: Labels) -> tuple[Series, int | None]:
        """The series and the last position that had to collapse; -1 for all of them."""
        for candidate, position in self._candidates(labels):
            known = self._series.get(candidate)
            room = self.limit if position is None else 2 * self.limit
            if known is not None or len(self._series) < room:
                return known or self._new(candidate), position
        everything = (OVERFLOW_VALUE,) * len(labels)
        return self._series.get(everything) or self._new(everything), -1

    def _new(self, labels: Labels) -> Series:
        series = self._series[labels] = Series(labels)
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
