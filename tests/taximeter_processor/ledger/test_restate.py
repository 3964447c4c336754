"""A cost that changes after it was counted: the new one is reported, the old one is not lost."""

from __future__ import annotations

from decimal import Decimal

from taximeter_processor.ledger.record import Change, Record, Restatement
from taximeter_processor.ledger.store import LedgerStore
from taximeter_processor.metrics.counters import CostCounters
from taximeter_processor.reports.verify import verify
from tests.support.records import CALL, NOON_US, call
from tests.taximeter_processor.ledger.conftest import Reopen

LATER_US = NOON_US + 60_000_000
# The output at $3 instead of $2 a million tokens: 84 x 3e-6 = $0.000252.
DEARER = CALL._replace(output_cost_usd=252_000_000, cost_usd=320_800_000, price_version="2")


def dearer(record: Record = DEARER, reason: str = "price_corrected") -> Restatement:
    return Restatement(record, reason, LATER_US)


def counters_of(store: LedgerStore) -> CostCounters:
    counters = CostCounters(birth_hold_seconds=0)
    counters.seed(store, "main")
    return counters


def test_a_restated_row_has_its_new_cost_and_remembers_what_it_was_first(
    store: LedgerStore,
) -> None:
    store.append([CALL])
    store.restate([dearer()])
    (row,) = store.read(
        "select cost_usd, first_cost_usd, output_cost_usd, price_version from calls"
    )
    assert row == (Decimal("0.0003208"), Decimal("0.0002368"), Decimal("0.000252"), "2")


def test_the_change_is_told_with_its_labels(store: LedgerStore) -> None:
    store.append([CALL])
    labels = ("search", "growth", "interactive", "openai", "gpt-5-mini", "prod")
    assert store.restate([dearer()]) == [
        Change("price_corrected", 236_800_000, 320_800_000, labels)
    ]


def test_every_change_is_kept_with_reason_time_and_writer(store: LedgerStore) -> None:
    store.append([CALL])
    store.restate([dearer()])
    store.restate([Restatement(CALL, "price_withdrawn", LATER_US + 1)])
    rows = store.read(
        "select span_id, writer, epoch_us(restated_at), reason, old_cost_usd, new_cost_usd "
        "from restatements order by restated_at"
    )
    first, dear = Decimal("0.0002368"), Decimal("0.0003208")
    assert rows == [
        (CALL.span_id, "main", LATER_US, "price_corrected", first, dear),
        (CALL.span_id, "main", LATER_US + 1, "price_withdrawn", dear, first),
    ]


def test_whose_the_row_is_and_when_it_came_cannot_be_restated(store: LedgerStore) -> None:
    store.append([CALL])
    forged = DEARER._replace(
        writer="else", ingested_at=LATER_US, first_cost_usd=0, is_backfill=True
    )
    store.restate([dearer(forged)])
    (row,) = store.read(
        "select writer, epoch_us(ingested_at), first_cost_usd, is_backfill from calls"
    )
    assert row == ("main", CALL.ingested_at, Decimal("0.0002368"), False)


def test_counters_seeded_after_a_restatement_are_those_of_before(reopen: Reopen) -> None:
    store = reopen()
    store.append([CALL, call(2)])
    counters = CostCounters(birth_hold_seconds=0)
    counters.apply([CALL, call(2)])
    store.restate([dearer(DEARER._replace(feature="else", model="other"))])
    again = counters_of(reopen())
    shown, seeded = (
        {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in found.collect(LATER_US)
            for sample in family.samples
        }
        for found in (counters, again)
    )
    assert seeded == shown


def test_the_ledger_still_adds_up_after_restatements(store: LedgerStore) -> None:
    store.append([CALL, call(2), call(3)])
    store.restate([dearer(), dearer(call(2, cost_usd=0, output_cost_usd=0), "duplicate")])
    store.restate([dearer(call(2, cost_usd=7), "duplicate")])
    proof = verify(store, "main", counters_of(store), LATER_US)
    assert proof["ok"], proof


def test_a_key_that_is_not_in_the_ledger_changes_nothing(store: LedgerStore) -> None:
    store.append([CALL])
    assert store.restate([dearer(call(7))]) == []
    assert store.read("select count(*) from restatements") == [(0,)]


def test_a_restatement_of_weeks_finds_every_row(store: LedgerStore) -> None:
    week_us = 7 * 24 * 3_600_000_000
    spread = [call(n, start_time=NOON_US - n * week_us) for n in range(80)]
    store.append(spread)
    made = store.restate([dearer(record._replace(cost_usd=1)) for record in spread])
    assert len(made) == 80
    assert store.read("select sum(cost_usd) from calls") == [(Decimal("0.000000000080"),)]
