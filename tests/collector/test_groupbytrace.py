"""Tags of a parent reach calls that were sent apart from it, and what that costs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector.guide import saved, snippet
from tests.support.collector import CONFIG, Collector
from tests.support.otlp_sink import OtlpSink, export_request, post, span, spans_in
from tests.support.servers import Processor, get, wait_for

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4.1",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}
AGENT = {
    "gen_ai.operation.name": "invoke_agent",
    "taximeter.feature": "search",
    "taximeter.team": "growth",
}
WAITING = "otelcol_processor_groupbytrace_num_traces_in_memory"
EVICTED = "otelcol_processor_groupbytrace_traces_evicted"


def grouping(directory: Path, processor_url: str, **changes: str) -> Collector:
    """A Collector with the guide's addition, in which settings are changed."""
    added = snippet("groupbytrace")
    for name, value in {"wait_duration": "1s", **changes}.items():
        added, count = re.subn(rf"{name}: \w+", f"{name}: {value}", added)
        assert count == 1
    return Collector(directory, processor_url, configs=[CONFIG, *saved(directory, added)])


def family(trace: int) -> tuple[Span, Span]:
    """An agent's span, and a call below it."""
    agent = span(AGENT, name="invoke_agent", trace=trace)
    call = span(CALL, trace=trace)
    call.parent_span_id = agent.span_id
    return agent, call


def told(collector: Collector, name: str) -> float:
    lines = get(f"http://{collector.metrics_target}/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def by_feature(processor: Processor) -> list[tuple[Any, ...]]:
    rows = processor.api("costs", by="feature,team", since="2026-11-01")["rows"]
    return [(row["feature"], row["team"], row["requests"], row["cost_usd"]) for row in rows]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["the parent first", "the call first"])
def test_the_tags_of_a_parent_reach_a_call_sent_in_another_request(
    tmp_path: Path, order: Sequence[int]
) -> None:
    processor = Processor(tmp_path / "processor")
    processor.start()
    spans = family(trace=77)
    with grouping(tmp_path, processor.url) as collector:
        for place in order:
            assert post(collector.url, export_request([spans[place]])) == 200
        rows = wait_for("the call in the ledger", lambda: by_feature(processor))
    processor.stop()
    # 1000 x $2 + 100 x $8 a million tokens.
    assert rows == [("search", "growth", 1, "0.0028")]


def test_without_it_a_call_sent_apart_has_no_tags(tmp_path: Path) -> None:
    processor = Processor(tmp_path / "processor")
    processor.start()
    agent, call = family(trace=77)
    with Collector(tmp_path, processor.url) as collector:
        post(collector.url, export_request([call]))
        rows = wait_for("the call in the ledger", lambda: by_feature(processor))
        post(collector.url, export_request([agent]))
    processor.stop()
    assert rows == [("unknown", "unknown", 1, "0.0028")]


def test_parent_and_call_arrive_in_one_request(tmp_path: Path, sink: OtlpSink) -> None:
    agent, call = family(trace=78)
    with grouping(tmp_path, sink.url) as collector:
        post(collector.url, export_request([call]))
        post(collector.url, export_request([agent]))
        sink.arrival_of(call)
    together = [{each.span_id for each in spans_in(request)} for request in sink.requests]
    assert {call.span_id, agent.span_id} in together


def test_past_the_limit_the_oldest_traces_are_dropped_and_counted(
    tmp_path: Path, sink: OtlpSink
) -> None:
    calls = [span(CALL, trace=100 + number) for number in range(5)]
    with grouping(tmp_path, sink.url, num_traces="2") as collector:
        for call in calls:
            post(collector.url, export_request([call]))
        sink.arrival_of(calls[-1])
        assert told(collector, EVICTED) == 3
    assert {call.span_id for call in calls} & sink.span_ids == {c.span_id for c in calls[-2:]}


def test_a_stop_loses_what_waits_as_the_guide_says(tmp_path: Path, sink: OtlpSink) -> None:
    call = span(CALL, trace=200)
    with grouping(tmp_path, sink.url, wait_duration="60s") as collector:
        assert post(collector.url, export_request([call])) == 200
        wait_for("waiting", lambda: told(collector, WAITING) == 1)
    with Collector(tmp_path, sink.url) as collector:
        later = span(CALL, trace=201)
        post(collector.url, export_request([later]))
        sink.arrival_of(later)
    assert call.span_id not in sink.span_ids
