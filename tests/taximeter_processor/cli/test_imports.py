"""`taximeter import` against a real processor: once, again, in part, and wrongly used."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import Processor, free_port, run_taximeter
from tests.taximeter_processor.importers.batches import (
    CHAT,
    CHAT_USD,
    EMBEDDINGS,
    MESSAGE,
    MESSAGE_USD,
    anthropic_line,
    openai_line,
    write,
)

SINCE = "2026-11-01"


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    server = Processor(tmp_path_factory.mktemp("imports"))
    server.start()
    yield server
    server.stop()


def imported(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = run_taximeter("import", *arguments, "--json")
    assert done.returncode == code, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def chat(number: str) -> bytes:
    return openai_line({**CHAT, "id": f"chatcmpl-{number}"})


def test_a_file_is_in_the_ledger_once_however_often_it_is_imported(
    processor: Processor, tmp_path: Path
) -> None:
    path = write(tmp_path / "out.jsonl", chat("once-1"), chat("once-2"))
    arguments = ("openai-batch", str(path), "--config", str(processor.config), "--feature", "once")
    first, again = imported(*arguments), imported(*arguments)
    assert (first["calls"], first["imported"], first["duplicates"]) == (2, 2, 0)
    assert (again["calls"], again["imported"], again["duplicates"]) == (2, 0, 2)
    total = processor.api("costs", since=SINCE, feature="once")["total"]
    assert (total["requests"], total["cost_usd"]) == (2, "0.0002368")
    assert processor.api("ledger/verify")["ok"] is True


def test_what_is_reported_is_what_the_ledger_says(processor: Processor, tmp_path: Path) -> None:
    path = write(tmp_path / "out.jsonl", chat("same"))
    answer = imported(
        "openai-batch", str(path), "--config", str(processor.config), "--feature", "same"
    )
    by = processor.api("costs", since=SINCE, feature="same", by="service_tier,request_type")
    assert by["rows"][0]["service_tier"] == by["rows"][0]["request_type"] == "batch"
    assert answer["cost_usd"] == by["total"]["cost_usd"] == CHAT_USD


def test_messages_of_anthropic_are_charged_to_whom_a_csv_file_names(
    processor: Processor, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "results.jsonl", anthropic_line(MESSAGE), anthropic_line(kind="expired")
    )
    tags = tmp_path / "tags.csv"
    tags.write_text("custom_id,tenant\nrequest-1,acme\n")
    answer = imported(
        "anthropic-batch", str(path), "--config", str(processor.config),
        "--at", "2026-11-18T12:00:00Z", "--tags", str(tags),
    )  # fmt: skip
    assert (answer["imported"], answer["unanswered"]) == (1, {"expired": 1})
    assert processor.api("costs", since=SINCE, tenant="acme")["total"]["cost_usd"] == MESSAGE_USD


def test_several_files_of_either_kind_are_one_import(processor: Processor, tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", chat("plain"))
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(chat("packed") + b"\n" + chat("plain")))
    answer = imported(
        "openai-batch", str(plain), str(packed), "--url", f"{processor.url}/v1/traces"
    )
    assert (answer["lines"], answer["calls"], answer["repeated_lines"]) == (3, 2, 1)
    assert (answer["imported"], answer["duplicates"]) == (None, None)


def test_a_malformed_line_is_named_and_the_others_are_imported(
    processor: Processor, tmp_path: Path
) -> None:
    path = write(tmp_path / "out.jsonl", chat("good"), b"{", openai_line(EMBEDDINGS))
    done = run_taximeter("import", "openai-batch", str(path), "--config", str(processor.config))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{path}:2: is no JSON",
        f"{path}:3: does not say when the call was made: give --at TIME",
    ]
    assert "3 lines: 1 calls, $0.0001184" in done.stdout
    assert "1 are new in the ledger, 0 were there already" in done.stdout


def test_a_dry_run_prices_and_sends_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "out.jsonl", chat("dry"))
    done = run_taximeter("import", "openai-batch", str(path), "--dry-run")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["1 lines: 1 calls, $0.0001184", "nothing was sent"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gateway", "FILE"), "invalid choice: 'gateway'"),
        (("openai-batch",), "required: FILE"),
        (("openai-batch", "absent.jsonl"), "absent.jsonl: No such file"),
        (("openai-batch", "FILE", "--at", "7d"), "--at '7d': expected 2026-11-01"),
        (("openai-batch", "FILE", "--team", "x" * 129), "--team is 'xxx"),
        (("openai-batch", "FILE", "--tags", "absent.csv"), "absent.csv: No such file"),
        (("openai-batch", "FILE", "--url", "127.0.0.1"), "cannot be reached"),
        (("openai-batch", "FILE"), "start one with `taximeter serve`"),
    ],
)
def test_wrong_use_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    path = write(tmp_path / "out.jsonl", chat("wrong"))
    config = tmp_path / "taximeter.yaml"
    config.write_text(f"listen: 127.0.0.1:{free_port()}\n")
    named = [str(path) if argument == "FILE" else argument for argument in arguments]
    done = run_taximeter("import", *named, "--config", str(config))
    assert done.returncode == 2
    assert message in done.stderr


def test_the_service_s_own_token_is_shown_to_it(tmp_path: Path) -> None:
    token = {"name": "loader", "scopes": ["ingest"], "value": "0123456789abcdef"}
    server = Processor(tmp_path / "guarded", tokens=[token])
    server.start()
    try:
        path = write(tmp_path / "out.jsonl", chat("guarded"))
        answer = imported("openai-batch", str(path), "--config", str(server.config))
    finally:
        server.stop()
    assert (answer["calls"], answer["imported"]) == (1, None)
