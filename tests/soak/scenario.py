"""What a scenario is given, what it finds, and the judgement they all end with."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from taximeter_processor.money import format_usd, usd_to_pico
from tests.soak.load import CALL_PICO, Load
from tests.soak.scrapes import counted_pico
from tests.soak.site import Site
from tests.support.servers import wait_for

DRAIN_SECONDS = 180.0


@dataclass
class Stage:
    """Where a scenario runs, how often it does its harm, and what came of it."""

    directory: Path
    rounds: int
    seed: int
    done: Callable[[], object] = lambda: None
    """Called after each round."""
    figures: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note a failure, and go on: one run tells of all of them."""
        if not holds:
            self.failures.append(otherwise)


class Scenario(NamedTuple):
    """One way to do harm, in so many rounds."""

    run: Callable[[Stage], None]
    short: int
    full: int


def judge(stage: Stage, site: Site, load: Load) -> None:
    """Compare the ledger with what was acknowledged: by id, in money, on the scrape, by proof."""
    acknowledged = set(load.acknowledged)
    processor = site.processor
    # What is lost never comes: then the ids tell how much it is.
    with contextlib.suppress(AssertionError):
        wait_for(
            "the queue's end",
            lambda: processor.api("costs", since="1d")["total"]["requests"] >= len(acknowledged),
            DRAIN_SECONDS,
        )
    total = processor.api("costs", since="1d")["total"]
    proof = processor.api("ledger/verify")
    counted = counted_pico(processor)
    stored = site.stored_ids()
    lost = len(acknowledged - stored.keys())
    twice = sum(times - 1 for times in stored.values())
    strange = len(stored.keys() - load.sent)
    expected = len(stored) * CALL_PICO
    stage.figures |= {
        "acknowledged": len(acknowledged),
        "repeated": load.repeated,
        "stored": sum(stored.values()),
        "lost": lost,
        "twice": twice,
        "cost_usd": format_usd(expected),
        "answers": dict(sorted(load.answers.items())),
    }
    stage.expect(len(acknowledged) > 0, "nothing was acknowledged: no load")
    stage.expect(lost == 0, f"{lost} acknowledged spans are not in the ledger")
    stage.expect(twice == 0, f"{twice} spans are in the ledger twice")
    stage.expect(strange == 0, f"{strange} spans are in the ledger that nobody sent")
    stage.expect(
        usd_to_pico(total["cost_usd"]) == expected,
        f"the ledger says ${total['cost_usd']}, its calls cost ${format_usd(expected)}",
    )
    # A scrape shows doubles: their error is far below the price of a call.
    stage.expect(
        abs(counted - expected) < CALL_PICO // 1000,
        f"the counters say ${format_usd(counted)}, the ledger ${format_usd(expected)}",
    )
    stage.expect(proof["ok"], f"ledger verify: {proof['checks']}")
    unanswered = load.sent - acknowledged
    stage.expect(
        not unanswered or bool(stage.figures.get("may_refuse")),
        f"{len(unanswered)} spans were never acknowledged",
    )
