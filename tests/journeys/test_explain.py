"""From a provider's bytes to lines a person can add up: in a file, in the ledger, after repricing.

An application with the real openai SDK streams one answer of gpt-5-mini; the provider's usage is
1312 input tokens, 1152 of them cached, and 84 output tokens, 64 of them reasoning. By hand:

    input        160 x $0.25  a million = $0.0000400
    cache_read 1,152 x $0.025 a million = $0.0000288
    output        84 x $2     a million = $0.0001680
                                          $0.0002368
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.journeys.conftest import App, finish
from tests.support.otlp import CHAT
from tests.support.otlp_sink import OtlpSink, export_request, post, spans_in
from tests.support.otlp_sink import span as peer_span
from tests.support.servers import Processor, run_taximeter

PEER = "opentelemetry.instrumentation.openai_v2"
LINES = [
    ("input", 160, "0.00000025", "0.00004", "catalogue"),
    ("cache_read", 1152, "0.000000025", "0.0000288", "catalogue"),
    ("output", 84, "0.000002", "0.000168", "catalogue"),
]
STORED_ALONE = {"first_cost_usd", "restatements", "today"}


@pytest.fixture(scope="module")
def export(app: App) -> ExportTraceServiceRequest:
    """All that an application which made one call has exported."""
    whole = ExportTraceServiceRequest()
    with OtlpSink() as sink:
        finish(app(sink.url, "stream:search:growth:acme:interactive:1"))
        for request in sink.requests:
            whole.MergeFrom(request)
    return whole


@pytest.fixture
def processor(tmp_path: Path, export: ExportTraceServiceRequest) -> Iterator[Processor]:
    """A service that has the call."""
    server = Processor(tmp_path)
    server.start()
    assert post(server.url, export) == 200
    yield server
    server.stop()


def trace_of(export: ExportTraceServiceRequest) -> str:
    (span,) = spans_in(export)
    return span.trace_id.hex()


def told_by_a_peer(export: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """What another instrumentation says of the same call, around ours."""
    (ours,) = spans_in(export)
    attributes = {
        **{name: value for name, value in CHAT.items() if not name.startswith("taximeter.")},
        "gen_ai.usage.total_tokens": 1396,
    }
    (response_id,) = (a.value for a in ours.attributes if a.key == "gen_ai.response.id")
    attributes["gen_ai.response.id"] = response_id.string_value
    span = peer_span(attributes)
    span.trace_id = ours.trace_id
    span.start_time_unix_nano = ours.start_time_unix_nano - 1000
    span.end_time_unix_nano = ours.end_time_unix_nano + 1000
    return export_request([span], scope=PEER)


def as_file(export: ExportTraceServiceRequest, path: Path) -> Path:
    """The export in OTLP/JSON, whose ids are hexadecimal."""
    content: Any = MessageToDict(export)
    for resource_spans in content["resourceSpans"]:
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                for name in span.keys() & {"traceId", "spanId", "parentSpanId"}:
                    span[name] = base64.b64decode(span[name]).hex()
    path.write_text(json.dumps(content))
    return path


def explain(server: Processor, what: str, *options: str) -> list[dict[str, Any]]:
    done = run_taximeter("explain", what, "--config", str(server.config), "--json", *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def lines_of(account: dict[str, Any]) -> list[tuple[Any, ...]]:
    keys = ("meter", "quantity", "rate_usd", "cost_usd", "source")
    return [tuple(line[key] for key in keys) for line in account["meters"]]


def test_the_lines_of_a_stored_call_are_those_worked_out_by_hand(
    processor: Processor, export: ExportTraceServiceRequest
) -> None:
    (account,) = explain(processor, trace_of(export))
    assert lines_of(account) == LINES
    assert sum(Decimal(cost) for *_, cost, _ in LINES) == Decimal(account["cost_usd"])
    assert account["raw_usage"] == {
        "gen_ai.usage.input_tokens": 1312,
        "gen_ai.usage.output_tokens": 84,
        "gen_ai.usage.cache_read.input_tokens": 1152,
        "gen_ai.usage.reasoning.output_tokens": 64,
    }
    assert (account["emitter"], account["tags"]["team"]) == ("taximeter", "growth")
    costs = processor.api("costs", since="1d")["total"]["cost_usd"]
    assert account["cost_usd"] == costs == "0.0002368"


def test_a_file_of_the_spans_is_told_as_the_ledger_tells_them(
    processor: Processor, export: ExportTraceServiceRequest, tmp_path: Path
) -> None:
    assert post(processor.url, told_by_a_peer(export)) == 200
    both = ExportTraceServiceRequest()
    both.MergeFrom(export)
    both.MergeFrom(told_by_a_peer(export))
    stored = explain(processor, trace_of(export))
    # The peer's span of each request has an id of its own.
    for account in stored:
        for key in STORED_ALONE & account.keys():
            del account[key]
    live = explain(processor, str(as_file(both, tmp_path / "export.json")))
    for account in (*stored, *live):
        for other in (account, *account["duplicates"], account["duplicate_of"] or {}):
            if other.get("emitter") == PEER:
                other["span_id"] = "the peer's"
    assert stored == live


def test_a_second_telling_is_shown_and_not_added(
    processor: Processor, export: ExportTraceServiceRequest
) -> None:
    assert post(processor.url, told_by_a_peer(export)) == 200
    ours, theirs = explain(processor, trace_of(export))
    (other,) = ours["duplicates"]
    assert (other["emitter"], other["reason"], other["cost_usd"]) == (
        PEER, "told_twice", "0.0002368",
    )  # fmt: skip
    assert theirs["duplicate_of"]["of"]["span_id"] == ours["span_id"]
    assert {one["name"] for one in theirs["ignored"]} >= {"gen_ai.usage.total_tokens"}
    done = run_taximeter("explain", trace_of(export), "--config", str(processor.config))
    assert done.stdout.startswith(f"trace {trace_of(export)}: 1 call, $0.0002368\n")
    assert processor.api("ledger/verify")["cost_usd"] == "0.0002368"


def test_a_price_that_changed_is_pending_then_restated(
    processor: Processor, export: ExportTraceServiceRequest
) -> None:
    price = {"provider": "openai", "model": "gpt-5*", "percent": -50, "note": "contract 47"}
    settings = yaml.safe_load(processor.config.read_text())
    processor.config.write_text(yaml.safe_dump({**settings, "prices": [price]}))
    processor.stop()
    processor.start()
    (before,) = explain(processor, trace_of(export))
    assert (before["cost_usd"], before["restatements"]) == ("0.0002368", [])
    assert [line[:4] for line in lines_of(before)] == [line[:4] for line in LINES]
    assert (before["today"]["cost_usd"], before["today"]["reprice_pending"]) == (
        "0.0001184", True,
    )  # fmt: skip

    done = run_taximeter("reprice", "--since", "1h", "--config", str(processor.config))
    assert done.returncode == 0, done.stderr
    (after,) = explain(processor, trace_of(export))
    assert lines_of(after) == [
        ("input", 160, "0.000000125", "0.00002", "override"),
        ("cache_read", 1152, "0.0000000125", "0.0000144", "override"),
        ("output", 84, "0.000001", "0.000084", "override"),
    ]
    assert (after["cost_usd"], after["first_cost_usd"]) == ("0.0001184", "0.0002368")
    assert after["meters"][0]["override"]["note"] == "contract 47"
    (change,) = after["restatements"]
    assert (change["reason"], change["old_cost_usd"], change["new_cost_usd"]) == (
        "price_changed", "0.0002368", "0.0001184",
    )  # fmt: skip
    assert after["today"]["reprice_pending"] is False
    processor.stop()
    assert explain(processor, trace_of(export)) == [after]
