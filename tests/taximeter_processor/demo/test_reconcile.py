"""Provider and ledger agree only when every count does."""

from __future__ import annotations

from typing import Any

from taximeter_processor.demo.answers import Answer
from taximeter_processor.demo.reconcile import Count, of_ledger, of_provider


def answer(model: str, input_tokens: int, output_tokens: int) -> Answer:
    return Answer("id", "chat", model, f"{model}-dated", 0, "", input_tokens, 0, output_tokens, 0)


def row(model: str, status: str, requests: int, tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "status": status,
        "requests": requests,
        "input_tokens": tokens,
        "output_tokens": tokens,
    }


def test_the_provider_counts_by_requested_model_and_what_it_turned_away() -> None:
    answers = [answer("gpt-5", 10, 1), answer("gpt-5", 20, 2), answer("gpt-4.1", 5, 5)]
    assert of_provider(answers, {429: 2, 500: 1}) == {
        "gpt-5": Count(2, 30, 3),
        "gpt-4.1": Count(1, 5, 5),
        "refused": Count(3),
    }


def test_the_ledger_counts_failed_calls_as_refused_and_adds_the_rest_up() -> None:
    rows = [
        row("gpt-5", "priced", 2, 7),
        row("gpt-5", "unpriced", 1, 3),
        row("gpt-5", "failed", 1, 0),
        row("gpt-4.1", "failed", 1, 0),
    ]
    assert of_ledger(rows) == {"gpt-5": Count(3, 10, 10), "refused": Count(2)}
