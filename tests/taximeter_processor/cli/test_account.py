"""The text a person reads: lines that can be added up by hand, and a reason for everything else."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.cli.account import call_text, print_calls, print_trace
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.reports.account import Account
from taximeter_processor.reports.explain import explain
from taximeter_processor.reports.stored import TraceAccount
from taximeter_processor.settings import parse
from tests.support.otlp import CHAT, NOW_NS, json_body, json_span


def account(
    attributes: dict[str, Any] = CHAT, configuration: str = "{}", scope: str = "taximeter"
) -> Account:
    settings = parse(configuration, Path("taximeter.yaml"))
    body = json_body(json_span(1, attributes), scope=scope)
    (found,) = explain(body, settings, PriceBook.of(settings), NOW_NS)
    return found


def text(attributes: dict[str, Any] = CHAT, configuration: str = "{}") -> str:
    return "\n".join(call_text(account(attributes, configuration)))


def test_quantity_times_rate_is_cost_and_costs_stand_in_line() -> None:
    assert text().splitlines()[:8] == [
        "call 0000000000000001 at 2026-11-18T11:59:58Z: openai gpt-5-mini-2025-08-07, "
        "tier standard",
        "told by taximeter (taximeter); feature search, tenant acme, team growth, "
        "request_type interactive, service_name api",
        "",
        "  input         160  x $0.25 / 1,000,000   = $0.0000400  "
        "catalogue: genai-prices:openai/gpt-5-mini",
        "  cache_read  1,152  x $0.025 / 1,000,000  = $0.0000288  "
        "catalogue: genai-prices:openai/gpt-5-mini",
        "  output         84  x $2 / 1,000,000      = $0.0001680  "
        "catalogue: genai-prices:openai/gpt-5-mini",
        "  cost                                     = $0.0002368",
        "",
    ]


def test_the_time_is_told_in_the_reporting_zone_too() -> None:
    (first, *_) = text(configuration="timezone: Asia/Kolkata").splitlines()
    assert " at 2026-11-18T11:59:58Z (2026-11-18T17:29:58+05:30): openai " in first


def test_a_reader_can_check_every_line() -> None:
    for line in text().splitlines()[3:6]:
        words = line.replace(",", "").replace("$", "").split()
        quantity, rate, per, cost = (Decimal(words[at]) for at in (1, 3, 5, 7))
        assert quantity * rate / per == cost


def test_price_book_period_and_savings_are_told() -> None:
    told = text()
    assert "  prices      genai-prices/" in told
    assert "since ever, until further notice" in told
    assert (
        "  list price  $0.000496 without cache and tier: $0.0002592 saved by prompt_cache" in told
    )


def test_an_override_is_told_with_its_line_day_and_reason() -> None:
    told = text(
        configuration="prices:\n"
        "  - {provider: openai, model: gpt-5*, percent: -10, from: 2026-10-01, note: deal 47}"
    )
    assert (
        "  override    openai/gpt-5*@2026-10-01, line 2 of the configuration, from 2026-10-01: "
        "deal 47" in told
    )
    assert "since 2026-10-01, until further notice" in told


def test_counts_are_read_or_ignored_and_never_both() -> None:
    told = text({**CHAT, "gen_ai.usage.total_tokens": 1396})
    assert "  read        gen_ai.usage.input_tokens 1312, as input_tokens" in told
    assert "  ignored     gen_ai.usage.total_tokens 1396, total: a sum of other counts" in told
    assert told.count("gen_ai.usage.reasoning.output_tokens") == 1


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"gen_ai.request.model": "x", "gen_ai.response.model": "x"},
            "  no price    unknown_model: neither the price list nor an override knows this model",
        ),
        (
            {"taximeter.cache_hit": True},
            "  cost        $0.0: a response cache answered; the lines were avoided",
        ),
        ({"taximeter.usage_status": "partial"}, "  usage       partial"),
    ],
)
def test_what_is_not_usual_is_said(attributes: dict[str, Any], expected: str) -> None:
    assert expected in text({**CHAT, **attributes})


def test_a_corrected_count_is_said() -> None:
    found = account({**CHAT, "gen_ai.provider.name": "gcp.anthropic"}, scope="envoy")
    told = "\n".join(call_text(found))
    assert "  corrected   input_tokens 1,312 -> 2,464: this emitter leaves cached" in told


def test_a_failed_call_owes_nothing() -> None:
    failed = {name: value for name, value in CHAT.items() if "usage" not in name} | {
        "error.type": "timeout"
    }
    assert "  no price    the call failed and reported no usage: nothing is owed" in text(failed)


def test_a_restatement_and_one_that_is_due_are_told() -> None:
    found = account()
    found["restatements"] = [
        {
            "restated_at": "2026-11-18T13:00:00Z",
            "reason": "price_added",
            "old_cost_usd": "0.0",
            "new_cost_usd": "0.0002368",
            "writer": "main",
        }
    ]
    found["today"] = {
        "price_version": "genai-prices/9",
        "cost_usd": "0.5",
        "reprice_pending": True,
        "reason": "price_changed",
    }
    told = list(call_text(found))
    assert told[-2:] == [
        "  restated    2026-11-18T13:00:00Z: $0.0 -> $0.0002368 (price_added)",
        "  today       genai-prices/9 says $0.5 (price_changed): "
        "`taximeter reprice` would restate it",
    ]


def test_a_file_s_sum_is_of_what_would_be_counted(capsys: pytest.CaptureFixture[str]) -> None:
    settings = parse("{}", Path("taximeter.yaml"))
    body = json_body(json_span(1), json_span(1), json_span(2))
    print_calls(explain(body, settings, PriceBook.of(settings), NOW_NS))
    told = capsys.readouterr().out
    assert told.startswith("3 spans: 2 calls, $0.0004736\n")
    assert "repeated: the same span once more" in told


def test_a_trace_that_was_cut_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    cut: TraceAccount = {
        "trace_id": "a" * 32,
        "total_calls": 1203,
        "cost_usd": "0.2848704",
        "calls": [account()],
        "not_counted": [],
        "limit": 1000,
        "truncated": True,
    }
    print_trace(cut)
    told = capsys.readouterr().out
    assert told.startswith(f"trace {'a' * 32}: 1,203 calls, $0.2848704\n")
    assert "1 of 1,203 calls are told here" in told
