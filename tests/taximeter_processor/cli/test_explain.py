"""`taximeter explain`: a file as JSON lines, a stored trace as text, and either as the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from tests.support.otlp import CHAT, json_body, json_span
from tests.support.raw_http import post_traces
from tests.support.records import CALL, calls
from tests.support.servers import Processor, free_port, run_taximeter
from tests.taximeter_processor.ledger.test_identity import INNER, OUTER

CONTRACT = {
    "trace_id", "span_id", "is_call", "reason", "provider", "request_model", "response_model",
    "operation", "usage", "reported_cost_usd", "meters", "cost_usd", "price_version", "tags",
    "status",
}  # fmt: skip


@pytest.fixture
def export(tmp_path: Path) -> str:
    """A file with one call and one span about something else."""
    path = tmp_path / "export.json"
    path.write_bytes(json_body(json_span(1), json_span(2, {"http.method": "GET"})))
    return str(path)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration whose ledger has a call that was told twice, and no service."""
    store = DuckDBStore(tmp_path / "l.duckdb")
    store.append([OUTER, INNER])
    store.append(calls(2, trace_id="d" * 32, start_time=CALL.start_time + 10**9))
    store.close()
    path = tmp_path / "taximeter.yaml"
    path.write_text(f"ledger: {tmp_path / 'l.duckdb'}\nlisten: 127.0.0.1:{free_port()}\n")
    return str(path)


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    server = Processor(tmp_path_factory.mktemp("cli"))
    server.start()
    post_traces(server.port, json_body(json_span(1, traceId="a" * 32)), "application/json")
    yield server
    server.stop()


def test_a_file_is_one_json_line_a_span_with_the_contract_s_keys(export: str) -> None:
    done = run_taximeter("explain", export)
    call, other = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert set(call) >= CONTRACT
    assert set(other) == set(call)
    assert (call["is_call"], call["cost_usd"], call["status"]) == (True, "0.0002368", "priced")
    assert call["usage"] == {
        "input_tokens": 1312,
        "cached_read_tokens": 1152,
        "cache_write_tokens": None,
        "output_tokens": 84,
        "reasoning_tokens": 64,
    }
    assert (other["is_call"], other["reason"], other["usage"]["input_tokens"]) == (
        False,
        "not_genai",
        None,
    )


def test_a_file_is_told_as_text_when_asked(export: str) -> None:
    done = run_taximeter("explain", export, "--human")
    assert done.stdout.splitlines()[0] == "2 spans: 1 call, $0.0002368"
    assert "input         160  x $0.25 / 1,000,000   = $0.0000400" in done.stdout
    assert f"span {2:016x}, not_genai: it is about no model" in done.stdout


def test_a_refused_span_ends_with_1(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(json_body(json_span(1, {**CHAT, "gen_ai.usage.input_tokens": -1})))
    done = run_taximeter("explain", str(path))
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (1, "bad_count")
    done = run_taximeter("explain", str(path), "--human")
    assert (done.returncode, "bad_count: gen_ai.usage.input_tokens is -1" in done.stdout) == (
        1, True,
    )  # fmt: skip


def test_a_trace_is_told_from_the_file_when_no_service_runs(config: str) -> None:
    done = run_taximeter("explain", CALL.trace_id, "--config", config)
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout.splitlines()
    assert text[0] == f"trace {CALL.trace_id}: 1 call, $0.0002368"
    assert (
        f"  not added   span {OUTER.span_id} by {OUTER.emitter} ($0.0002368), told_twice: "
        "another telling of the same call" in text
    )
    assert "not counted" not in text


def test_a_span_that_is_counted_elsewhere_is_told_where(config: str) -> None:
    done = run_taximeter("explain", CALL.trace_id, "--span", OUTER.span_id, "--config", config)
    assert done.stdout.splitlines()[-1] == (
        f"  span {OUTER.span_id} by {OUTER.emitter} ($0.0002368), told_twice: another telling of "
        f"the same call, which is call {INNER.span_id} of trace {CALL.trace_id}"
    )


def test_a_trace_comes_as_json_lines_of_the_same_keys(config: str) -> None:
    done = run_taximeter("explain", CALL.trace_id.upper(), "--config", config, "--json")
    counted, other = map(json.loads, done.stdout.splitlines())
    assert set(counted) & set(other) >= CONTRACT
    assert (counted["duplicate_of"], other["duplicate_of"]["of"]["span_id"]) == (
        None,
        INNER.span_id,
    )


def test_one_span_of_a_trace_is_told_alone(config: str) -> None:
    done = run_taximeter("explain", "d" * 32, "--span", f"{2:016x}", "--config", config, "--json")
    assert [json.loads(line)["span_id"] for line in done.stdout.splitlines()] == [f"{2:016x}"]


def test_the_running_service_is_asked(processor: Processor) -> None:
    done = run_taximeter("explain", "a" * 32, "--config", str(processor.config), "--json")
    assert (done.returncode, json.loads(done.stdout)["cost_usd"]) == (0, "0.0002368")


def test_a_trace_that_is_not_there_ends_with_1(config: str, processor: Processor) -> None:
    for configuration in (config, str(processor.config)):
        done = run_taximeter("explain", "e" * 32, "--config", configuration)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"taximeter: the ledger holds no call of trace {'e' * 32}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent.json",), "absent.json: No such file"),
        (("absent.json", "--span", "1" * 16), "--span goes with a trace id"),
        (("a" * 32, "--span", "first"), "'first' is no span id: expected 16 hex digits"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    config: str, arguments: tuple[str, ...], message: str
) -> None:
    done = run_taximeter("explain", *arguments, "--config", config)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert message in done.stderr


def test_without_a_ledger_it_says_how_to_begin(tmp_path: Path) -> None:
    path = tmp_path / "taximeter.yaml"
    path.write_text(f"ledger: {tmp_path / 'none.duckdb'}\nlisten: 127.0.0.1:{free_port()}\n")
    done = run_taximeter("explain", "a" * 32, "--config", str(path))
    assert (done.returncode, "try `taximeter demo`" in done.stderr) == (2, True)
