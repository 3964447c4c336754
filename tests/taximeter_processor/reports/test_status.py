"""The checklist of layers says what is done, with numbers, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from taximeter_processor.ledger.record import Record
from taximeter_processor.people import Owner
from taximeter_processor.reports.status import NOT_TESTED, Adoption, Layer, adoption
from taximeter_processor.settings import Budget, Links, Settings
from tests.support.records import call, calls
from tests.support.servers import free_port

USD = 10**12
NOW = datetime(2026, 11, 18, 13, tzinfo=timezone.utc)
OWNED = Settings(owners=(Owner(name="alice", features=("chat",)),))


def judged(path: Path, records: Sequence[Record], settings: Settings) -> Adoption:
    store = DuckDBStore(path / "l.duckdb")
    store.append(records)
    try:
        return adoption(store, settings, NOW)
    finally:
        store.close()


def layer(found: Adoption, name: str) -> Layer:
    (one,) = [layer for layer in found.layers if layer.name == name]
    return one


def values(one: Layer) -> dict[str, str]:
    return {measure.name: measure.value for measure in one.measures}


def test_an_empty_ledger_begins_with_the_first_layer(tmp_path: Path) -> None:
    found = judged(tmp_path, [], Settings())
    assert [one.state for one in found.layers] == ["not set up"] * 5
    assert found.next_layer == "Attribution"
    assert "taximeter doctor" in found.layers[0].next_step


def test_spend_that_lacks_a_tag_is_what_to_mend_next(tmp_path: Path) -> None:
    records = [call(1, cost_usd=9 * USD), call(2, cost_usd=1 * USD, team="")]
    one = layer(judged(tmp_path, records, Settings()), "Attribution")
    assert one.state == "in progress"
    assert values(one) == {"spend with all four tags": "90 %", "calls with a price": "100 %"}
    assert "the tag team" in one.next_step


def test_a_missing_price_comes_before_a_missing_tag(tmp_path: Path) -> None:
    records = [call(1), call(2, status="unpriced", cost_usd=0, team="")]
    one = layer(judged(tmp_path, records, Settings()), "Attribution")
    assert values(one)["calls with a price"] == "50 %"
    assert "taximeter prices check" in one.next_step


def test_priced_and_tagged_calls_leave_nothing_to_do(tmp_path: Path) -> None:
    found = judged(tmp_path, calls(3), Settings())
    assert (found.layers[0].state, found.layers[0].next_step) == ("done", "")
    assert found.next_layer == "Owners and alerts"


def test_shares_of_owned_and_budgeted_spend_are_told(tmp_path: Path) -> None:
    settings = OWNED.model_copy(update={"budgets": (Budget(name="c", usd="9", feature="chat"),)})
    records = [call(1, feature="chat", cost_usd=3 * USD), call(2, cost_usd=1 * USD)]
    one = layer(judged(tmp_path, records, settings), "Owners and alerts")
    assert values(one) == {
        "spend with an owner": "75 %",
        "spend within a budget": "75 %",
        "alerts delivered": NOT_TESTED,
    }
    assert "taximeter owners" in one.next_step


def test_alerts_that_nobody_tested_keep_the_layer_open(tmp_path: Path) -> None:
    settings = OWNED.model_copy(update={"budgets": (Budget(name="all", usd="9"),)})
    one = layer(judged(tmp_path, [call(1, feature="chat")], settings), "Owners and alerts")
    assert one.state == "in progress"
    assert "test alert" in one.next_step


def test_an_alertmanager_that_does_not_answer_counts_as_nothing_delivered(tmp_path: Path) -> None:
    links = Links(alertmanager_url=f"http://127.0.0.1:{free_port()}")
    settings = OWNED.model_copy(update={"links": links})
    one = layer(judged(tmp_path, calls(1), settings), "Owners and alerts")
    assert values(one)["alerts delivered"].startswith("not known: no answer from http://127")
    assert one.state == "in progress"


def test_layers_that_nothing_measures_are_not_set_up_and_name_a_step(tmp_path: Path) -> None:
    found = judged(tmp_path, calls(3), Settings())
    for one in found.layers[2:]:
        assert one.state == "not set up"
        assert one.next_step


def test_a_share_is_rounded_down_so_that_100_means_all(tmp_path: Path) -> None:
    records = [call(1, cost_usd=9999 * USD), call(2, cost_usd=1 * USD, tenant="unknown")]
    one = layer(judged(tmp_path, records, Settings()), "Attribution")
    assert values(one)["spend with all four tags"] == "99.9 %"
