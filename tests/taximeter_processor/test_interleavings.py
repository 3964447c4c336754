"""Whatever happens in whatever order, every call is counted once, at the price it had first.

A machine sends calls, sends them again, lets a second emitter tell of them, restarts, restates,
prunes and forgets. After each step the ledger proves itself, and the counters hold exactly what a
list of calls kept beside says. `TAXIMETER_FUZZ_EXAMPLES=500` makes a long run of it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from taximeter_processor.ledger.erase import erase_slice
from taximeter_processor.ledger.prune import prune_slice
from taximeter_processor.ledger.record import Restatement
from taximeter_processor.ledger.rows import Stretch, first_slice
from taximeter_processor.metrics.counters import BUCKETS_PICO
from taximeter_processor.pipeline import Accepted, Body
from taximeter_processor.reports.verify import verify
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span
from tests.support.servers import Postgres

DAY_NS: Final = 86_400_000_000_000
NOW_US: Final = NOW_NS // 1000
LATER_US: Final = NOW_US + 3_600_000_000
DAYS: Final = 4
TENANTS: Final = ("acme", "globex", "")
OTHER_EMITTER: Final = "opentelemetry.instrumentation.openai_v2"
CALLS: Final = st.integers(0, 23)


def start_ns(number: int) -> int:
    """One of four days, an hour and a half for each call."""
    return NOW_NS - (number % DAYS) * DAY_NS - (number // DAYS) * 5_400_000_000_000


def first_price(number: int) -> int:
    """Pico-USD at gpt-5-mini's rates for a million tokens: 0.25, from the cache 0.025, out 2."""
    return (1000 - 100) * 250_000 + 100 * 25_000 + (10 + number) * 2_000_000


def span(number: int, *, again: bool = False) -> dict[str, Any]:
    """A call; `again` is the same call as another emitter tells of it, in a span of its own."""
    attributes = {
        **CHAT,
        "gen_ai.response.id": f"chatcmpl-{number}",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10 + number,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "taximeter.tenant": TENANTS[number % len(TENANTS)],
    }
    began = start_ns(number)
    return {
        **json_span(number + 1, attributes),
        "spanId": f"{number + 1 + (1000 if again else 0):016x}",
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + 1_000_000_000),
    }


def body(*spans: dict[str, Any], scope: str = "taximeter") -> Body:
    return Body(json_body(*spans, scope=scope), "application/json", "identity", "127.0.0.1")


class Interleavings(RuleBasedStateMachine):
    """One ledger, one service at a time."""

    def __init__(self, ledger: str) -> None:
        super().__init__()
        self.ledger = ledger
        self.counted: set[int] = set()
        self.horizon_us = 0

    @initialize()
    def begin(self) -> None:
        self.service = Service(Settings(ledger=self.ledger, birth_hold_seconds=0))

    def send(self, bodies: list[Body]) -> None:
        assert all(isinstance(answer, Accepted) for answer in self.service.pipeline.process(bodies))

    def arrived(self, numbers: set[int]) -> None:
        """What the ledger should take: a call that began before the horizon comes too late."""
        self.counted |= {n for n in numbers if start_ns(n) // 1000 >= self.horizon_us}

    @rule(numbers=st.sets(CALLS, min_size=1, max_size=6))
    def calls_come_once_or_again(self, numbers: set[int]) -> None:
        self.send([body(*map(span, sorted(numbers)))])
        self.arrived(numbers)

    @rule(numbers=st.sets(CALLS, min_size=1, max_size=4))
    def another_emitter_tells_of_calls(self, numbers: set[int]) -> None:
        self.send([body(*(span(n, again=True) for n in sorted(numbers)), scope=OTHER_EMITTER)])
        self.arrived(numbers)

    @rule(number=CALLS)
    def both_tellings_come_at_once(self, number: int) -> None:
        self.send([body(span(number, again=True), scope=OTHER_EMITTER), body(span(number))])
        self.arrived({number})

    @rule()
    def the_service_starts_anew(self) -> None:
        self.service.store.close()
        self.begin()

    @rule(cost=st.integers(0, 10**12))
    def calls_are_restated(self, cost: int) -> None:
        store = self.service.store
        store.restate(
            [
                Restatement(record._replace(cost_usd=cost), "price_changed", LATER_US)
                for record in first_slice(store, Stretch(0, LATER_US, {}), 2).records
            ]
        )

    @rule(tenant=st.sampled_from(TENANTS[:2]))
    def a_tenant_is_forgotten(self, tenant: str) -> None:
        erase_slice(self.service.store, [tenant], 0, LATER_US)

    @rule(days=st.integers(1, DAYS))
    def old_calls_are_pruned(self, days: int) -> None:
        until_us = NOW_US - days * (DAY_NS // 1000)
        while True:
            gone = prune_slice(self.service.store, until_us, BUCKETS_PICO, LATER_US, most=2)
            self.horizon_us = max(self.horizon_us, gone.horizon_us)
            if gone.horizon_us >= until_us:
                break

    @invariant()
    def everything_adds_up(self) -> None:
        proof = verify(self.service.store, "main", self.service.counters, LATER_US)
        assert proof["ok"], proof
        shown = sum(self.service.counters.totals(LATER_US).values())
        assert shown == sum(map(first_price, self.counted))

    def teardown(self) -> None:
        self.service.store.close()


@pytest.fixture(params=["duckdb", "postgresql"])
def new_ledger(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """The address of another empty ledger each time."""
    with tempfile.TemporaryDirectory() as directory:
        count = iter(range(10**6))

        def file() -> str:
            return str(Path(directory) / f"{next(count)}.duckdb")

        if request.param == "duckdb":
            yield file
        else:
            server: Postgres = request.getfixturevalue("postgres")
            yield server.new_database


def test_every_call_is_counted_once_at_its_first_price(new_ledger: Callable[[], str]) -> None:
    class OnANewLedger(Interleavings):
        def __init__(self) -> None:
            super().__init__(new_ledger())

    run_state_machine_as_test(
        OnANewLedger,
        settings=settings(
            max_examples=int(os.environ.get("TAXIMETER_FUZZ_EXAMPLES", "15")),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
