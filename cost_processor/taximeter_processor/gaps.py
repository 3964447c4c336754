"""Turns the numbers of the spans that arrived into how many never did.

Taximeter's instrumentation numbers its spans 1, 2, 3 … in every process. A number below the
highest seen that has not come `GRACE_US` later is missing; if it comes after all, it is recovered.
Order, repeats and retries within the grace change nothing.

All of this is kept in memory. After a restart, or for a process that was forgotten for others, the
first number that comes is where judging begins, so nothing is counted twice; what a process lost
before it is not known. Only a process younger than this is judged from its number 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from operator import attrgetter
from typing import Final, NamedTuple

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import text_of
from taximeter_processor.ledger.arrivals import Arrival
from taximeter_processor.model import Span
from taximeter_processor.names import OVERFLOW_VALUE, UNKNOWN_VALUE

GRACE_US: Final = 600_000_000
"""Longer than exporters and Collectors wait between two attempts to deliver."""
MOST_PROCESSES: Final = 10_000
MOST_GAPS: Final = 100
"""In one process. One more, and the oldest is settled early."""
MOST_SERVICES: Final = 200

_MOST_SKEW_MS: Final = 60_000
"""A process is younger than something only if it began this much later by its own clock."""
_LAST_NUMBER: Final = 2**53
_FOREVER_US: Final = 2**63
_MOST_NAME: Final = 64
_BORN: Final = re.compile(r"[0-9a-f]{20}")
"""12 digits of milliseconds, then 8 of chance."""


class Losses(NamedTuple):
    """Spans by service that turned out to be missing, and missing ones that came after all."""

    missing: Counter[str]
    recovered: Counter[str]


class _Gap(NamedTuple):
    first: int
    last: int
    noticed_us: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


def arrivals(spans: Iterable[Span]) -> Iterator[Arrival]:
    """The numbered ones among spans."""
    for span in spans:
        number = span.attributes.get(names.SEQUENCE)
        if type(number) is int and 0 < number <= _LAST_NUMBER:
            process = span.attributes.get(names.PROCESS)
            if type(process) is str and 0 < len(process) <= _MOST_NAME:
                yield process, number, text_of(span.resource.get("service.name"))


class Gaps:
    """What is outstanding in every process, within fixed bounds; used by one thread."""

    def __init__(self, started_us: int) -> None:
        self._known_since_ms = started_us // 1000
        self._processes: OrderedDict[str, _Process] = OrderedDict()
        """The one heard of last is at the end."""
        self._due: list[tuple[int, str]] = []
        """A heap: when the oldest open gap of each process was noticed."""
        self._services: set[str] = set()

    def observe(self, arrived: Iterable[Arrival], now_us: int) -> Losses:
        """Take in what arrived, then count the gaps whose grace is over."""
        losses = Losses(Counter(), Counter())
        for name, number, service in arrived:
            process = self._processes.get(name)
            if process is None:
                process = self._meet(name, number, service, losses)
            else:
                self._processes.move_to_end(name)
                if number == process.highest + 1:
                    process.highest = number
                    continue
            if process.take(number, now_us):
                losses.recovered[process.service] += 1
            if len(process.gaps) > MOST_GAPS:
                losses.missing[process.service] += process.settle_first()
            self._watch(name, process)
        self._settle_due(now_us - GRACE_US, losses)
        return losses

    def _meet(self, name: str, number: int, service: str, losses: Losses) -> _Process:
        is_young = _born_ms(name) > self._known_since_ms + _MOST_SKEW_MS
        process = _Process(self._label(service), 0 if is_young else number)
        self._processes[name] = process
        for counted in losses:
            counted[process.service] += 0  # born at 0, so that a first loss shows as an increase
        if len(self._processes) > MOST_PROCESSES:
            forgotten, last = self._processes.popitem(last=False)
            self._known_since_ms = max(self._known_since_ms, _born_ms(forgotten))
            losses.missing[last.service] += last.settle(_FOREVER_US)
        return process

    def _watch(self, name: str, process: _Process) -> None:
        if process.has_open_gap and not process.is_watched:
            process.is_watched = True
            heappush(self._due, (process.oldest_open_us, name))

    def _settle_due(self, before_us: int, losses: Losses) -> None:
        while self._due and self._due[0][0] <= before_us:
            _, name = heappop(self._due)
            process = self._processes.get(name)
            if process is not None:
                process.is_watched = False
                losses.missing[process.service] += process.settle(before_us)
                self._watch(name, process)

    def _label(self, service: str) -> str:
        shown = (
            service[: names.MAX_TAG_LENGTH] if service.isprintable() and service else UNKNOWN_VALUE
        )
        if len(self._services) < MOST_SERVICES:
            self._services.add(shown)
        return shown if shown in self._services else OVERFLOW_VALUE


class _Process:
    """The numbers of one process: the highest, and the gaps below it in rising order.

    Gaps are noticed in that order too, so those that have been counted are the first ones.
    """

    __slots__ = ("_counted", "gaps", "highest", "is_watched", "service")

    def __init__(self, service: str, highest: int) -> None:
        self.service = service
        self.gaps: list[_Gap] = []
        self.is_watched = False
        self.highest = highest
        self._counted = 0

    @property
    def has_open_gap(self) -> bool:
        return self._counted < len(self.gaps)

    @property
    def oldest_open_us(self) -> int:
        return self.gaps[self._counted].noticed_us

    def take(self, number: int, now_us: int) -> bool:
        """Note a number; True if it had been counted as missing."""
        if number > self.highest:
            if number > self.highest + 1:
                self.gaps.append(_Gap(self.highest + 1, number - 1, now_us))
            self.highest = number
            return False
        index = bisect_right(self.gaps, number, key=attrgetter("first")) - 1
        if index < 0 or number > self.gaps[index].last:
            return False
        first, last, noticed_us = self.gaps[index]
        parts = (_Gap(first, number - 1, noticed_us), _Gap(number + 1, last, noticed_us))
        left = [part for part in parts if part.size]
        self.gaps[index : index + 1] = left
        was_counted = index < self._counted
        if was_counted:
            self._counted += len(left) - 1
        return was_counted

    def settle(self, before_us: int) -> int:
        """Count the gaps noticed until then: how many numbers they miss."""
        missing = 0
        while self.has_open_gap and self.oldest_open_us <= before_us:
            missing += self.gaps[self._counted].size
            self._counted += 1
        return missing

    def settle_first(self) -> int:
        """Forget the first gap: how many numbers it misses that were not counted yet."""
        gap = self.gaps.pop(0)
        if self._counted:
            self._counted -= 1
            return 0
        return gap.size


def _born_ms(process: str) -> int:
    return int(process[:12], 16) if _BORN.fullmatch(process) else 0
