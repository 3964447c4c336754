"""Turns the lines of an import into OTLP bodies, and keeps account of what became of each line."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource

from taximeter_processor.costing import Costed, cost
from taximeter_processor.delivery import SPANS_A_BODY
from taximeter_processor.importers.answers import Answer, BadLine, NoAnswer
from taximeter_processor.importers.lines import Line
from taximeter_processor.importers.spans import to_otlp, to_spans
from taximeter_processor.importers.tags import Tags
from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.decoded import refusal
from taximeter_processor.model import Call, Priced, Span
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.settings import Settings
from taximeter_processor.tagging import TagRules

SERVICE: Final = "taximeter-import"
"""The calls' service, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES name another."""
MOST_PROBLEMS: Final = 5


@dataclass(frozen=True, slots=True)
class Options:
    """What the user adds to every line."""

    tags: Tags = field(default_factory=dict)
    tags_by_id: Mapping[str, Tags] = field(default_factory=dict)
    at_us: int | None = None
    """When calls were made that do not say so themselves."""


@dataclass(slots=True)
class Tally:
    """What became of the lines so far."""

    lines: int = 0
    calls: int = 0
    repeated: int = 0
    """Lines that tell of a call which an earlier one of the same import told of."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """Requests that were not answered, and so not billed, by reason."""
    malformed: int = 0
    problems: list[str] = field(default_factory=list)
    """The first malformed lines, each with its place."""
    unpriced: int = 0
    cost_pico: int = 0

    def complain(self, line: Line, error: BadLine) -> None:
        """Count a malformed line, and name it if it is one of the first."""
        self.malformed += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{line.path}:{line.number}: {error}")

    def add(self, costed: Costed) -> None:
        """Count one call."""
        self.calls += 1
        if isinstance(costed.outcome, Priced):
            self.cost_pico += costed.outcome.cost_pico
        elif costed.status == "unpriced":
            self.unpriced += 1


class Intake:
    """One import. Every call is read and priced here as the service will, before it is sent."""

    def __init__(
        self, read: Callable[[bytes], Answer | NoAnswer], settings: Settings, options: Options
    ) -> None:
        self.tally = Tally()
        self.resource = Resource({SERVICE_NAME: SERVICE}).merge(OTELResourceDetector().detect())
        self._read = read
        self._options = options
        self._book = PriceBook.load(settings.prices)
        self._rules = TagRules(settings.tags)
        self._calls = CallReader(settings.tags.aliases)
        self._seen: set[str] = set()

    def bodies(self, lines: Iterable[Line]) -> Iterator[tuple[bytes, int]]:
        """OTLP protobuf bodies, each with the number of its spans."""
        waiting: list[Span] = []
        for line in lines:
            self.tally.lines += 1
            try:
                waiting += self._spans(line)
            except BadLine as error:
                self.tally.complain(line, error)
            if len(waiting) >= SPANS_A_BODY:
                yield to_otlp(waiting, self.resource), len(waiting)
                waiting = []
        if waiting:
            yield to_otlp(waiting, self.resource), len(waiting)

    def _spans(self, line: Line) -> list[Span]:
        """The spans of a line; none where nothing was billed. Raises `BadLine`."""
        answer = self._read(line.data)
        if isinstance(answer, NoAnswer):
            self.tally.unanswered[answer.reason] += 1
            return []
        answer = replace(answer, tags=self._tags(answer))
        spans = to_spans(answer, line.data, self._start_us(answer) * 1000, self.resource)
        trace_id = spans[0].trace_id
        if trace_id in self._seen:
            self.tally.repeated += 1
            return []
        costed = [self._cost(span) for span in spans]
        self._seen.add(trace_id)
        for one in costed:
            self.tally.add(one)
        return spans

    def _start_us(self, answer: Answer) -> int:
        if answer.created_s is not None:
            return answer.created_s * 1_000_000
        if self._options.at_us is None:
            raise BadLine("does not say when the call was made: give --at TIME")
        return self._options.at_us

    def _tags(self, answer: Answer) -> Tags:
        """The more particular wins: a row for this request, its own metadata, the options."""
        mine = self._options.tags_by_id.get(answer.custom_id, {})
        return {**self._options.tags, **answer.tags, **mine}

    def _cost(self, span: Span) -> Costed:
        refused = refusal(span.trace_id, span.span_id, span.start_ns, span.end_ns, time.time_ns())
        found = refused or self._calls.read(span)
        if not isinstance(found, Call):
            raise BadLine(f"would be refused: {found.reason}")
        call, _ = self._rules.book(found)
        try:
            return cost(call, self._book)
        except ValueError as error:
            raise BadLine(f"would be refused: {error}") from error
