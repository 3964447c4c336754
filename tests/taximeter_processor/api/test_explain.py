"""`GET /api/v1/explain/{trace_id}` on a real server: typed, bounded, and for those who may read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.otlp import json_body, json_span
from tests.support.raw_http import Answer, post_traces, request
from tests.support.servers import Processor, get

TOKENS = {scope: f"{scope}-token-0123456789" for scope in ("ingest", "read")}
TRACE = "a" * 32
LONG = "b" * 32


@pytest.fixture(scope="module")
def filled(processor: Processor) -> Processor:
    """A service with a trace of two calls, and one of 1,203."""
    two = [json_span(number, traceId=TRACE) for number in (1, 2)]
    many = [json_span(number, traceId=LONG) for number in range(1, 1204)]
    for spans in (two, many[:600], many[600:]):
        assert post_traces(processor.port, json_body(*spans), "application/json").status == 200
    return processor


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    server = Processor(
        tmp_path_factory.mktemp("guarded"),
        tokens=[{"name": name, "scopes": [name], "value": TOKENS[name]} for name in TOKENS],
    )
    server.start()
    yield server
    server.stop()


def ask(server: Processor, path: str, **headers: str) -> Answer:
    return request(server.port, "GET", f"/api/v1/explain{path}", headers=headers)


def explained(server: Processor, path: str) -> Any:
    answer = ask(server, path)
    assert answer.status == 200, answer.text
    return json.loads(answer.body)


def test_each_call_of_a_trace_has_lines_that_add_up(filled: Processor) -> None:
    found = explained(filled, f"/{TRACE}")
    assert (found["trace_id"], found["total_calls"], found["cost_usd"]) == (TRACE, 2, "0.0004736")
    assert (found["truncated"], found["not_counted"]) == (False, [])
    for call in found["calls"]:
        costs = [Decimal(line["cost_usd"]) for line in call["meters"]]
        assert costs == [Decimal("0.00004"), Decimal("0.0000288"), Decimal("0.000168")]
        assert sum(costs) == Decimal(call["cost_usd"])
        assert "message" not in call


def test_one_span_can_be_asked_for(filled: Processor) -> None:
    (call,) = explained(filled, f"/{TRACE}?span_id={2:016x}")["calls"]
    assert call["span_id"] == f"{2:016x}"


def test_a_long_trace_is_cut_and_its_sum_is_whole(filled: Processor) -> None:
    found = explained(filled, f"/{LONG}")
    assert (len(found["calls"]), found["limit"], found["truncated"]) == (1000, 1000, True)
    # 1203 x $0.0002368
    assert (found["total_calls"], found["cost_usd"]) == (1203, "0.2848704")


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("", 400, "no trace id: expected /api/v1/explain/TRACE_ID"),
        ("/", 400, "no trace id"),
        ("/yesterday", 400, "'yesterday' is no trace id: expected 32 hex digits"),
        (f"/{TRACE}?span_id=first", 400, "'first' is no span id: expected 16 hex digits"),
        (f"/{'c' * 32}", 404, f"the ledger holds no call of trace {'c' * 32}"),
        (f"/{TRACE}?span_id={9:016x}", 404, f"no call of span {9:016x} of trace {TRACE}"),
    ],
)
def test_what_cannot_be_answered_says_why(
    filled: Processor, path: str, status: int, message: str
) -> None:
    answer = ask(filled, path)
    assert answer.status == status
    assert message in json.loads(answer.body)["detail"]


@pytest.mark.parametrize("path", ["", f"/{TRACE}"])
def test_explaining_needs_a_token_that_may_read(guarded: Processor, path: str) -> None:
    assert ask(guarded, path).status == 401
    assert ask(guarded, path, authorization=f"Bearer {TOKENS['ingest']}").status == 403
    allowed = ask(guarded, path, authorization=f"Bearer {TOKENS['read']}")
    assert allowed.status == (404 if path else 400)


def test_the_answer_is_described_in_the_api_s_own_words(processor: Processor) -> None:
    description = json.loads(get(f"{processor.url}/openapi.json"))
    route = description["paths"]["/api/v1/explain/{trace_id}"]["get"]
    schema = route["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/TraceAccount"}
    assert "meters" in description["components"]["schemas"]["Account"]["properties"]
