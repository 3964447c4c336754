"""A newcomer's first command: everything starts, agrees, and leaves nothing running behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from taximeter_processor.demo.children import is_free
from taximeter_processor.demo.provider import Provider, ProviderServer
from tests.support.servers import free_port, get, run_taximeter, taximeter

DAYS = "3"


def demo(directory: Path, port: int, *more: str) -> subprocess.CompletedProcess[str]:
    return run_taximeter(
        "demo", "--once", "--dir", str(directory), "--port", str(port), "--days", DAYS, *more
    )


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(directory: Path, port: int) -> subprocess.CompletedProcess[str]:
    """A demo that ran to its end."""
    return demo(directory, port, "--requests", "40")


def test_it_ends_well_when_provider_and_ledger_agree(
    first: subprocess.CompletedProcess[str],
) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    assert "✓ ledger verified" in first.stdout
    compared = first.stdout.partition("What the provider says it served")[2].partition("Cost by")[0]
    # Three chat models, embeddings, and the requests that were turned away and tried again.
    assert compared.count("the same") == 5


def test_it_shows_cost_by_all_four_tags(first: subprocess.CompletedProcess[str]) -> None:
    for dimension in ("feature", "tenant", "team", "request type"):
        assert f"Cost by {dimension}\n" in first.stdout


def test_what_is_piped_is_plain_text(first: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in first.stdout
    assert first.stderr == ""


def test_it_says_where_to_look(
    first: subprocess.CompletedProcess[str], directory: Path, port: int
) -> None:
    for place in (
        f"http://127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}/metrics",
        str(directory / "taximeter.duckdb"),
    ):
        assert f"  {place}\n" in first.stdout


def test_nothing_of_it_runs_on(first: subprocess.CompletedProcess[str], port: int) -> None:
    assert is_free(port)


def test_its_ledger_can_be_asked_afterwards(
    first: subprocess.CompletedProcess[str], directory: Path
) -> None:
    config = str(directory / "taximeter.yaml")
    answer = run_taximeter("costs", "--config", config, "--by", "feature", "--csv")
    lines = dict(line.split(",")[:2] for line in answer.stdout.splitlines()[1:])
    assert {"support-chat", "search", "summarise", "agent", "doc-extraction"} <= lines.keys()
    assert Decimal(lines["agent"]) > 0


def test_a_second_time_the_history_is_there_already(
    first: subprocess.CompletedProcess[str], directory: Path, port: int
) -> None:
    second = demo(directory, port, "--requests", "4")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "were here already" in second.stdout


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = demo(tmp_path / "demo", port)
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"taximeter: port {port} is in use")
    assert "--port" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_live_needs_a_key(tmp_path: Path) -> None:
    answer = run_taximeter("demo", "--once", "--live", "--dir", str(tmp_path), OPENAI_API_KEY="")
    assert answer.returncode == 2
    assert answer.stderr.splitlines() == [
        "taximeter: --live calls OpenAI: set OPENAI_API_KEY, or leave --live out"
    ]


def test_live_calls_go_to_a_cheap_model_wherever_openai_is_reached(tmp_path: Path) -> None:
    with ProviderServer(Provider()) as server:
        answer = run_taximeter(
            "demo", "--once", "--live", "--days", "0", "--requests", "4",
            "--dir", str(tmp_path), "--port", str(free_port()),
            OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=server.base_url,
        )  # fmt: skip
        models = {served.request_model for served in server.provider.answers}
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert models == {"gpt-4.1-nano", "text-embedding-3-small"}
    assert "✓ ledger verified   5 calls" in answer.stdout


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A demo that goes on until it is stopped, and its port."""
    port = free_port()
    command = taximeter(
        "demo", "--dir", str(tmp_path), "--port", str(port), "--days", "0", "--requests", "4"
    )
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ}
    ) as process:
        yield process, port
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_keeps_running_until_it_is_stopped_and_takes_its_children_along(
    running: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    process, port = running
    assert process.stdout is not None
    said = ""
    while "until Ctrl-C" not in said:
        said = process.stdout.readline()
        assert said, "it ended by itself"
    assert "<h1>AI cost today</h1>" in get(f"http://127.0.0.1:{port}/")
    process.send_signal(number)
    assert process.wait(30) == 0
    assert is_free(port)
