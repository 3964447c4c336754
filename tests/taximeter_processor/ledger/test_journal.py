"""The journal keeps what was written, in order, and the last word of each name counts."""

from __future__ import annotations

import pytest

from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.journal import Entry, current, newest, write
from taximeter_processor.ledger.store import LedgerStore
from tests.support.records import NOON_US

FIRST = Entry("review", "2026-W47", NOON_US, '{"by": "alice"}')
SECOND = Entry("review", "2026-W48", NOON_US + 1, "{}")
AGAIN = FIRST._replace(written_us=NOON_US + 2, body='{"by": "bob"}')
OTHER = Entry("forecast", "2026-11-26", NOON_US + 3, "[]")


def test_the_newest_of_a_kind_come_first(store: LedgerStore) -> None:
    write(store, [FIRST, SECOND, OTHER])
    assert newest(store, "review", 5) == [SECOND, FIRST]
    assert newest(store, "review") == [SECOND]


def test_nothing_of_a_kind_is_an_empty_list(store: LedgerStore) -> None:
    write(store, [OTHER])
    assert newest(store, "review") == current(store, "review") == []


def test_the_last_entry_of_a_name_stands_for_it_and_the_first_stays(store: LedgerStore) -> None:
    write(store, [FIRST, SECOND])
    write(store, [AGAIN])
    assert current(store, "review") == [SECOND, AGAIN]
    assert newest(store, "review", 5) == [AGAIN, SECOND, FIRST]


def test_entries_of_one_write_are_kept_together_or_not_at_all(store: LedgerStore) -> None:
    write(store, [FIRST])
    with pytest.raises(LedgerError):
        write(store, [SECOND, FIRST])
    assert newest(store, "review", 5) == [FIRST]


def test_a_body_past_its_limit_is_refused_with_its_size(store: LedgerStore) -> None:
    with pytest.raises(ValueError, match=r"review 2026-W47: 1,048,577 bytes, expected 1,048,576"):
        write(store, [FIRST._replace(body="x" * 1_048_577)])
    assert newest(store, "review") == []


def test_hostile_text_is_kept_as_it_is(store: LedgerStore) -> None:
    hostile = Entry("decision", "'; drop table journal; --", NOON_US, '{"text": "$1 ? <b>"}')
    write(store, [hostile])
    assert current(store, "decision") == [hostile]
