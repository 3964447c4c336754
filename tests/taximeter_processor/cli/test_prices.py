"""`taximeter prices` as a person runs it, on a ledger of three known and two unknown calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from tests.support.records import call, calls
from tests.support.servers import free_port, run_taximeter

SINCE = ("--since", "2026-11-01", "--until", "2026-12-01")
DOUBLE = [
    {
        "id": "openai",
        "name": "OpenAI",
        "api_pattern": "https://api.openai.com",
        "models": [
            {
                "id": "gpt-5-mini",
                "match": {"starts_with": "gpt-5-mini"},
                "prices": {"input_mtok": 0.5, "cache_read_mtok": 0.025, "output_mtok": 2},
            }
        ],
    }
]
"""gpt-5-mini with input at twice its price, and nothing else."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    store = DuckDBStore(tmp_path / "l.duckdb")
    unknown = call(3, provider="ollama", response_model="own", request_model="own")
    store.append(
        [
            *calls(3),
            unknown._replace(
                status="unpriced", unpriced_reason="unknown_model", cost_usd=0, price_source=""
            ),
        ]
    )
    store.close()
    (tmp_path / "double.json").write_text(json.dumps(DOUBLE))
    path = tmp_path / "taximeter.yaml"
    path.write_text(
        f"ledger: {tmp_path / 'l.duckdb'}\nlisten: 127.0.0.1:{free_port()}\n"
        f"catalogue: {tmp_path / 'prices.json'}\n"
    )
    return path


def answer(*arguments: str, code: int = 0) -> Any:
    done = run_taximeter("prices", *arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_diff_tells_the_dollars_of_another_catalogue_on_this_ledger(config: Path) -> None:
    found = answer(
        "diff", "installed", str(config.with_name("double.json")), "--config", str(config), *SINCE
    )
    # 3 × 160 uncached tokens at $0.25 more a million.
    assert found["rows"] == [
        {
            "provider": "openai",
            "model": "gpt-5-mini",
            "tier": "standard",
            "requests": 3,
            "unpriced_before": 0,
            "unpriced_after": 0,
            "before_usd": "0.0007104",
            "after_usd": "0.0008304",
            "difference_usd": "0.00012",
            "percent": "+16.89",
        }
    ]
    assert (found["total"]["requests"], found["total"]["unpriced_after"]) == (4, 1)


def test_update_shows_the_difference_and_writes_only_what_was_agreed_to(config: Path) -> None:
    file, pinned = str(config.with_name("double.json")), config.with_name("prices.json")
    asked = run_taximeter("prices", "update", file, "--config", str(config), *SINCE)
    assert (asked.returncode, "say --yes" in asked.stderr) == (2, True)
    assert "0.00012" in asked.stdout
    assert not pinned.exists()
    agreed = run_taximeter("prices", "update", file, "--config", str(config), *SINCE, "--yes")
    assert (agreed.returncode, "earlier calls keep their price" in agreed.stderr) == (0, True)
    shown = answer("show", "openai/gpt-5-mini", "--config", str(config))
    assert shown["rates"][0]["usd_listed"] == "0.5"
    assert shown["price_version"] == json.loads(pinned.read_text())["version"].join(
        ("genai-prices/", "")
    )


def test_update_without_a_place_to_write_says_what_to_configure(tmp_path: Path) -> None:
    path = tmp_path / "taximeter.yaml"
    path.write_text("writer: main\n")
    done = run_taximeter("prices", "update", "--config", str(path))
    assert (done.returncode, "add `catalogue: prices.json`" in done.stderr) == (2, True)


def test_a_pinned_catalogue_that_is_not_there_says_how_to_write_it(config: Path) -> None:
    done = run_taximeter("prices", "show", "openai/gpt-5-mini", "--config", str(config))
    assert (done.returncode, "write it with `taximeter prices update`" in done.stderr) == (2, True)


def test_check_finds_the_model_in_use_that_has_no_price(config: Path) -> None:
    config.write_text(config.read_text().replace("catalogue", "#"))
    done = run_taximeter("prices", "check", "--config", str(config), "--since", "2026-11-01")
    assert done.returncode == 1
    assert "unpriced in use" in done.stdout
    assert "ollama/own (standard)" in done.stdout


def test_check_without_a_ledger_checks_the_prices_alone(tmp_path: Path) -> None:
    path = tmp_path / "taximeter.yaml"
    path.write_text(
        f"ledger: {tmp_path / 'none.duckdb'}\nlisten: 127.0.0.1:{free_port()}\n"
        "prices: [{model: gpt-5-mini, percent: -5, until: 2026-01-31}]\n"
    )
    done = run_taximeter("prices", "check", "--config", str(path))
    assert (done.returncode, "usage is not checked" in done.stderr) == (1, True)
    assert "override ended" in done.stdout


def test_history_shows_every_period_of_a_price() -> None:
    found = answer("show", "deepseek/deepseek-chat", "--history")
    assert [rates["usd_listed"] for period in found for rates in period["rates"][:1]] == [
        "0.27",
        "0.135",
    ]
