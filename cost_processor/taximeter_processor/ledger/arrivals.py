"""Numbers of spans that arrived, on their way to the one who watches for those that did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

Arrival = tuple[str, int, str]
"""Process, number and service of a numbered span that came; plain, as one is made for each."""


class Arrived(NamedTuple):
    """What came since it was asked last."""

    watch: int
    """Another number than before: whoever watched until now was another one. Begin anew."""
    arrivals: list[Arrival]


class Stretch(NamedTuple):
    """Neighbouring numbers of one process."""

    process: str
    first: int
    last: int
    service: str


def stretches(arrivals: Iterable[Arrival]) -> Iterator[Stretch]:
    """The numbers of each process in as few stretches as they take."""
    ordered = sorted({(process, service, number) for process, number, service in arrivals})
    for (process, service), group in groupby(ordered, key=itemgetter(0, 1)):
        numbers = [number for _, _, number in group]
        first = 0
        for end in range(1, len(numbers) + 1):
            if end == len(numbers) or numbers[end] != numbers[end - 1] + 1:
                yield Stretch(process, numbers[first], numbers[end - 1], service)
                first = end


def spread(found: Sequence[Stretch]) -> Iterator[Arrival]:
    """The numbers of stretches, one by one."""
    for process, first, last, service in found:
        for number in range(first, last + 1):
            yield process, number, service
