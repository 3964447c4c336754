"""Each call is counted once, whoever tells of it and however its spans are cut into commits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from taximeter_processor.ledger import queries
from taximeter_processor.reports.verify import verify
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings
from tests.field_failures.layers import LAYERS, Counted
from tests.field_failures.told import HOUR, Told, arrive, just_now

PICO: Final = 1_000_000
Commits = list[list[Told]]

CUTS: Final[dict[str, Callable[[Sequence[Told]], Commits]]] = {
    "in one batch": lambda spans: [list(spans)],
    "in one batch, the innermost first": lambda spans: [list(reversed(spans))],
    "the outermost first": lambda spans: [list(spans[:1]), list(spans[1:])],
    "the outermost last": lambda spans: [list(spans[1:]), list(spans[:1])],
    "one by one, the outermost first": lambda spans: [[span] for span in spans],
    "one by one, the innermost first": lambda spans: [[span] for span in reversed(spans)],
    "one by one, the second last": lambda spans: [
        [span] for span in (spans[0], *spans[2:], spans[1])
    ],
}
ONE_BY_ONE: Final = tuple(cut for cut in CUTS if cut.startswith("one by one"))
NEVER_TOO_MUCH: Final = ("in one batch", "in one batch, the innermost first")


def spans_of(layer: str) -> list[Told]:
    """A layer's spans, moved so that it ends with the hour: its calls are fresh."""
    spans = LAYERS[layer].spans
    wait = HOUR - max(span.end for span in spans)
    return [span._replace(start=span.start + wait, end=span.end + wait) for span in spans]


class Ledger:
    """A service on one ledger that may be started again."""

    def __init__(self, directory: Path) -> None:
        self._settings = Settings(ledger=str(directory / "l.duckdb"), birth_hold_seconds=0)
        self._began_ms = just_now(HOUR)
        self.service = Service(self._settings)

    def restart(self) -> None:
        self.service.store.close()
        self.service = Service(self._settings)

    def arrive(self, commits: Commits, *, restarting: bool = False) -> None:
        for spans in commits:
            if restarting:
                self.restart()
            arrive(self.service, spans, self._began_ms)

    def counted(self) -> tuple[Counted, ...]:
        rows = self.service.store.read(
            "select model, status, cost_usd * 1000000 from calls order by 1, 2, 3"
        )
        return tuple(Counted(model, status, micro) for model, status, micro in rows)

    def corrected(self) -> int:
        """What the counters hold too much, in pico-USD."""
        return sum(down - up for _, _, up, down in queries.restated(self.service.store))

    def shown(self) -> int:
        """What the counters show, in pico-USD."""
        return self.service.counters.totals(time.time_ns() // 1000)["counted"]

    def prove(self) -> None:
        now_us = time.time_ns() // 1000
        proof = verify(self.service.store, "main", self.service.counters, now_us)
        assert [check for check in proof["checks"] if not check["ok"]] == []


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path)
    yield opened
    opened.service.store.close()


def assert_counted_once(ledger: Ledger, layer: str, cut: str) -> None:
    _, counted, corrected = LAYERS[layer]
    assert ledger.counted() == counted
    total = PICO * sum(call.micro_usd for call in counted)
    assert ledger.shown() == total + ledger.corrected()
    assert ledger.corrected() <= PICO * corrected
    if cut in NEVER_TOO_MUCH:
        assert ledger.corrected() == 0
    ledger.prove()


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("layer", LAYERS)
def test_every_call_is_counted_once(ledger: Ledger, layer: str, cut: str) -> None:
    ledger.arrive(CUTS[cut](spans_of(layer)))
    assert_counted_once(ledger, layer, cut)


@pytest.mark.parametrize("cut", ONE_BY_ONE[:2])
@pytest.mark.parametrize("layer", LAYERS)
def test_every_call_is_counted_once_by_a_process_for_each_span(
    ledger: Ledger, layer: str, cut: str
) -> None:
    ledger.arrive(CUTS[cut](spans_of(layer)), restarting=True)
    assert_counted_once(ledger, layer, cut)


@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_delivered_again_in_another_order_changes_nothing(
    ledger: Ledger, layer: str
) -> None:
    first, second = (CUTS[cut](spans_of(layer)) for cut in ONE_BY_ONE[:2])
    ledger.arrive(first)
    before = ledger.counted(), ledger.shown(), ledger.corrected()
    ledger.arrive(second)
    ledger.arrive([sum(first, [])], restarting=True)
    assert (ledger.counted(), ledger.shown(), ledger.corrected()) == before
    assert_counted_once(ledger, layer, ONE_BY_ONE[0])


def moved(layer: str, number: int) -> list[Told]:
    """A layer's spans in traces, and with response ids, of its own."""
    named = "gen_ai.response.id"
    return [
        span._replace(
            trace=span.trace + 10 * number,
            attributes={
                key: f"{value}-{number}" if key == named else value
                for key, value in span.attributes.items()
            },
        )
        for span in spans_of(layer)
    ]


@pytest.mark.parametrize("seed", range(12))
def test_stories_that_are_told_all_at_once_are_counted_once_in_any_order(
    ledger: Ledger, seed: int
) -> None:
    draw = random.Random(seed)
    layers = draw.choices(list(LAYERS), k=6)
    spans = [span for number, layer in enumerate(layers) for span in moved(layer, number)]
    draw.shuffle(spans)
    while spans:
        count = draw.choice((1, 2, 5))
        ledger.arrive([spans[:count]], restarting=draw.random() < 0.2)
        del spans[:count]
    told = sorted(call for layer in layers for call in LAYERS[layer].counted)
    assert sorted(ledger.counted()) == told
    ledger.prove()
