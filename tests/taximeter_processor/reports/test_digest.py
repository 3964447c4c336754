"""Yesterday against its normal, and why, worked out by hand. Yesterday is Tuesday 17 November."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.money import PICO_PER_USD as USD
from taximeter_processor.people import Owner
from taximeter_processor.periods import to_us
from taximeter_processor.reports.digest import OwnerDigest, digests
from taximeter_processor.reports.digest_text import sparkline, subject, text
from taximeter_processor.settings import Budget, Settings
from tests.support.records import call

NOW = datetime(2026, 11, 18, 8, tzinfo=timezone.utc)
SETTINGS = Settings(
    owners=(Owner(name="alice", features=("chat",)), Owner(name="bob", features=("search",))),
    budgets=(
        Budget(name="chat month", feature="chat", usd="100"),
        Budget(name="chat day", feature="chat", usd="20", period="day"),
    ),
)
Spend = Callable[..., None]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DuckDBStore]:
    store = DuckDBStore(tmp_path / "l.duckdb")
    yield store
    store.close()


@pytest.fixture
def spend(ledger: DuckDBStore) -> Spend:
    """`spend(day, feature, calls, usd_each, model)`."""
    made = [0]

    def add(
        day: int, feature: str, calls: int, usd: int, model: str = "small", month: int = 11
    ) -> None:
        noon = to_us(datetime(2026, month, day, 12, tzinfo=timezone.utc))
        made[0] += calls
        ledger.append(
            [
                call(
                    made[0] - number, feature=feature, team="t", model=model,
                    cost_usd=usd * USD, start_time=noon,
                )
                for number in range(calls)
            ]
        )  # fmt: skip

    return add


def of(name: str, ledger: DuckDBStore) -> OwnerDigest:
    return {found.owner: found for found in digests(ledger, SETTINGS, NOW)}[name]


def test_the_normal_is_the_middle_one_of_the_same_weekdays(
    ledger: DuckDBStore, spend: Spend
) -> None:
    spend(17, "chat", 2, 5)
    for day, month, usd in ((10, 11, 3), (3, 11, 90), (27, 10, 4), (20, 10, 5)):
        spend(day, "chat", 1, usd, month=month)
    digest = of("alice", ledger)
    # 3, 4, 5 and 90 dollars: the cheaper of the two in the middle.
    assert (digest.total.pico, digest.normal.pico) == (10 * USD, 4 * USD)
    assert digest.day == date(2026, 11, 17)


def test_a_change_is_split_between_its_drivers(ledger: DuckDBStore, spend: Spend) -> None:
    spend(10, "chat", 4, 1)
    spend(17, "chat", 6, 1)
    spend(17, "chat", 2, 5, model="large")
    (mover,) = of("alice", ledger).movers
    assert mover.change_pico == 12 * USD
    # 2 more calls at $1, and 2 of another model at $5.
    assert {name: pico for name, pico in mover.drivers.items() if pico} == {
        "volume": 2 * USD,
        "new": 10 * USD,
    }
    assert (mover.model, mover.model_change_pico) == ("large", 10 * USD)


def test_owners_of_one_feature_are_told_of_their_own_teams(ledger: DuckDBStore) -> None:
    day = to_us(datetime(2026, 11, 17, 12, tzinfo=timezone.utc))
    week_before = day - 7 * 86_400_000_000
    costs = [("a", day, 5), ("a", week_before, 2), ("b", day, 7), ("b", day, 7)]
    ledger.append(
        [
            call(number, team=team, start_time=start, cost_usd=usd * USD)
            for number, (team, start, usd) in enumerate(costs)
        ]
    )
    owners = (Owner(name="alice", teams=("a",)), Owner(name="bob", teams=("b",)))
    found = {digest.owner: digest for digest in digests(ledger, Settings(owners=owners), NOW)}
    (mine,), (other,) = found["alice"].movers, found["bob"].movers
    assert (mine.day.pico, mine.normal.pico, sum(mine.drivers.values())) == (
        5 * USD, 2 * USD, 3 * USD,
    )  # fmt: skip
    assert (other.day.pico, other.normal.pico, other.drivers["new"]) == (14 * USD, 0, 14 * USD)


def test_a_small_change_moves_nothing_and_is_not_worth_reading(
    ledger: DuckDBStore, spend: Spend
) -> None:
    spend(10, "search", 10, 1)
    spend(17, "search", 11, 1)
    digest = of("bob", ledger)
    assert digest.movers == ()
    assert not digest.is_worth_reading


def test_a_fall_is_a_mover_too(ledger: DuckDBStore, spend: Spend) -> None:
    spend(10, "search", 10, 1)
    spend(17, "search", 1, 1)
    (mover,) = of("bob", ledger).movers
    assert (mover.change_pico, mover.drivers["volume"]) == (-9 * USD, -9 * USD)


def test_a_budget_is_as_it_was_at_the_end_of_the_day(ledger: DuckDBStore, spend: Spend) -> None:
    spend(3, "chat", 65, 1)
    spend(17, "chat", 15, 1)
    spend(18, "chat", 100, 1)
    month, day = of("alice", ledger).budgets
    assert (month.spent_pico, day.spent_pico) == (80 * USD, 15 * USD)
    assert (month.is_worth_reading, day.is_worth_reading) == (True, False)


def test_what_nobody_owns_has_a_digest_of_its_own(ledger: DuckDBStore, spend: Spend) -> None:
    spend(17, "rag", 1, 2)
    digest = of("unowned", ledger)
    assert digest.total.pico == 2 * USD
    assert digest.is_worth_reading
    assert "what nobody owns: $2.00" in subject(digest)


def test_an_owner_without_spend_has_a_quiet_one(ledger: DuckDBStore) -> None:
    digest = of("bob", ledger)
    assert (digest.total.pico, digest.is_worth_reading) == (0, False)
    assert subject(digest) == "AI cost of Tue 17 Nov, bob: $0.00 (as normal)"


def test_the_message_says_all_of_it(ledger: DuckDBStore, spend: Spend) -> None:
    spend(10, "chat", 4, 1)
    spend(17, "chat", 6, 1)
    spend(17, "chat", 2, 5, model="large")
    digest = of("alice", ledger)
    assert subject(digest) == "AI cost of Tue 17 Nov, alice: $16.00 (300 % above normal)"
    assert text(digest, "https://cost.example") == (
        "Tue 17 Nov: $16.00, 8 calls.\n"
        "Normal for the weekday: $4.00; that is $12.00 more.\n"
        "\n"
        "▁▁▁▁▁▁▂▁▁▁▁▁▁█  14 days, highest $16.00\n"
        "\n"
        "What moved\n"
        "  chat: $16.00, $12.00 more than normal\n"
        "    8 calls instead of 4; new kinds of calls (+$10.00)\n"
        "    most of it in large: $10.00 more\n"
        "\n"
        "Budgets\n"
        "  chat month: 20 % of $100.00 a month ($20.00)\n"
        "  chat day: 80 % of $20.00 a day ($16.00)  <-\n"
        "\n"
        "https://cost.example\n"
    )


def test_calls_without_a_price_stand_beside_the_amounts(ledger: DuckDBStore, spend: Spend) -> None:
    spend(10, "chat", 4, 1)
    spend(17, "chat", 1, 1)
    noon = to_us(datetime(2026, 11, 17, 12, tzinfo=timezone.utc))
    ledger.append(
        [
            call(99 + number, feature="chat", status="unpriced", cost_usd=0, start_time=noon)
            for number in range(3)
        ]
    )
    message = text(of("alice", ledger))
    assert message.startswith(
        "Tue 17 Nov: $1.00, 4 calls.\nWhat 3 of them cost is not known, and in no amount here.\n"
    )
    assert "  chat: $1.00, $3.00 less than normal, 3 calls unpriced\n" in message


def test_a_tag_of_many_lines_is_shown_as_one(ledger: DuckDBStore, spend: Spend) -> None:
    spend(17, "a\n\nSubject: b", 1, 2)
    assert "  a Subject: b: $2.00" in text(of("unowned", ledger))


@pytest.mark.parametrize(
    ("amounts", "bars"), [([], ""), ([0, 0], "▁▁"), ([1, 7], "▂█"), ([-3, 7], "▁█")]
)
def test_the_chart_has_a_bar_for_each_day(amounts: Any, bars: str) -> None:
    assert sparkline(amounts) == bars
