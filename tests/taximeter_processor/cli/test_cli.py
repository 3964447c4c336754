"""The commands as a person runs them: output, exit codes, one line for a mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from tests.support.otlp import json_body, json_span
from tests.support.raw_http import post_traces
from tests.support.records import call, calls
from tests.support.servers import Processor, free_port, run_taximeter


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration whose ledger has three calls and whose service does not run."""
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append(calls(3))
    store.close()
    path = tmp_path / "taximeter.yaml"
    path.write_text(f"ledger: {tmp_path / 'l.duckdb'}\nlisten: 127.0.0.1:{free_port()}\n")
    return str(path)


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    server = Processor(tmp_path_factory.mktemp("cli"))
    server.start()
    post_traces(server.port, json_body(json_span(1)), "application/json")
    yield server
    server.stop()


def test_costs_are_read_from_the_file_when_no_service_runs(config: str) -> None:
    done = run_taximeter("costs", "--config", config, "--since", "2026-11-01")
    assert done.returncode == 0
    assert "search   0.000710         3" in done.stdout


def test_costs_are_asked_of_the_service_when_it_runs(processor: Processor) -> None:
    done = run_taximeter(
        "costs", "--config", str(processor.config), "--since", "2026-11-01", "--json"
    )
    assert json.loads(done.stdout)["total"]["cost_usd"] == "0.0002368"


def test_costs_come_as_csv(config: str) -> None:
    done = run_taximeter("costs", "--config", config, "--since", "2026-11-01", "--csv")
    assert done.stdout.splitlines()[1].startswith("search,0.0007104,3")


def test_costs_come_in_hours_of_any_zone(config: str) -> None:
    within = ("--from", "2026-11-18", "--to", "2026-11-19", "--timezone", "Asia/Kolkata")
    done = run_taximeter("costs", "--config", config, *within, "--interval", "hour", "--csv")
    # 12:00 UTC is 17:30 in India.
    assert done.stdout.splitlines()[1].startswith("2026-11-18T17:00+05:30,search,0.0007104,3,")


def test_costs_of_no_calls_have_their_header(config: str) -> None:
    done = run_taximeter("costs", "--config", config, "--where", "trace_id=none", "--csv")
    assert done.stdout.splitlines() == [
        "feature,cost_usd,requests,unpriced,input_tokens,output_tokens"
    ]


def test_the_dearest_calls_are_listed_and_one_without_a_price_shows_no_cost(
    config: str, tmp_path: Path
) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    dear = call(7, trace_id="7" * 32, cost_usd=5 * 10**12)
    store.append([dear, call(8, trace_id="8" * 32, status="unpriced", cost_usd=0)])
    store.close()
    within = ("--since", "2026-11-01", "--order", "dearest")
    done = run_taximeter("requests", "--config", config, *within)
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, 6)
    assert f"priced    5.000000  {dear.trace_id}" in lines[1]
    assert f"unpriced            {'8' * 32}" in lines[5]


def test_ledger_verify_is_content_with_a_good_ledger(config: str) -> None:
    done = run_taximeter("ledger", "verify", "--config", config)
    assert (done.returncode, "3 calls, $0.0007104" in done.stdout) == (0, True)


def test_ledger_verify_finds_a_changed_cost(config: str, tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "l.duckdb")
    store._writer.execute("update calls set cost_usd = cost_usd + 1 where span_id like '%1'")
    store.close()
    done = run_taximeter("ledger", "verify", "--config", config, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("costs", "--by", "colour"), "expected one of feature, team"),
        (("costs", "--since", "soon"), "expected 7d, 12h"),
        (("costs", "--where", "feature"), "expected DIMENSION=VALUE"),
        (("costs", "--where", "format=csv"), "expected one of feature"),
        (("serve", "--listen", "nonsense"), "expected HOST:PORT"),
        (("explain", "absent.json"), "absent.json: No such file"),
        (("check", "absent.yaml"), "absent.yaml: cannot be read"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    config: str, arguments: tuple[str, ...], message: str
) -> None:
    more = () if arguments[0] == "check" else ("--config", config)
    done = run_taximeter(*arguments, *more)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert message in done.stderr


def test_no_ledger_and_no_service_says_how_to_begin(tmp_path: Path) -> None:
    path = tmp_path / "taximeter.yaml"
    path.write_text(f"ledger: {tmp_path / 'none.duckdb'}\nlisten: 127.0.0.1:{free_port()}\n")
    for command in (["costs"], ["ledger", "verify"], ["status"]):
        done = run_taximeter(*command, "--config", str(path))
        assert done.returncode == 2
        assert "try `taximeter demo`" in done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_check_names_file_line_key_value_and_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "taximeter.yaml"
    path.write_text("writer: main\ntimezone: Mars\n")
    done = run_taximeter("check", str(path))
    assert done.returncode == 2
    assert f"{path}:2: timezone is 'Mars': expected an IANA time zone" in done.stderr


def test_a_second_service_on_the_ledger_is_told_who_has_it(processor: Processor) -> None:
    done = run_taximeter(
        "serve", "--config", str(processor.config), "--listen", f"127.0.0.1:{free_port()}"
    )
    assert done.returncode == 2
    assert "open in another process" in done.stderr
