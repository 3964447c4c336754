"""`/api/v1/costs` and `/api/v1/requests` on a real server: as OpenAPI says, as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.parse
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from taximeter_processor.api.costs import CostRow, Costs, CostsQuery, Requests, RequestsQuery
from taximeter_processor.app import build_api
from taximeter_processor.errors import LedgerError
from taximeter_processor.ledger.filters import FILTERS
from taximeter_processor.ledger.record import DIMENSIONS
from taximeter_processor.service import Service
from taximeter_processor.settings import Settings
from tests.support.otlp import CHAT, NOW_NS, proto_span, protobuf
from tests.support.raw_http import Answer, post_traces, request
from tests.support.servers import Processor

HOUR_NS = 3_600_000_000_000
RANGE = "from=2026-10-24&to=2026-10-27&timezone=Europe/Berlin"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """50 calls of $0.0002368, one each hour, across Berlin's change of clocks on 25 October."""
    server = Processor(tmp_path_factory.mktemp("filled"))
    server.start()
    spans = []
    for number in range(50):
        feature = "=cmd" if number % 10 == 0 else "search"
        span = proto_span(number + 1, {**CHAT, "taximeter.feature": feature})
        # 2026-10-24 12:00 UTC and on.
        span.start_time_unix_nano = NOW_NS - 25 * 24 * HOUR_NS + number * HOUR_NS
        span.end_time_unix_nano = span.start_time_unix_nano + 1
        spans.append(span)
    assert post_traces(server.port, protobuf(*spans)).status == 200
    yield server
    server.stop()


def read(processor: Processor, path: str, **headers: str) -> Answer:
    answer = request(processor.port, "GET", f"/api/v1/{path}", headers=headers)
    assert answer.status == 200, answer.text
    return answer


def rows_of(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text), strict=True))


def test_days_of_berlin_add_up_over_the_change_of_clocks(filled: Processor) -> None:
    answer = json.loads(read(filled, f"costs?{RANGE}&by=day").body)
    # 24 October from 14:00 on; 25 October has 25 hours; 26 October as far as the calls go.
    assert [(row["day"], row["requests"]) for row in answer["rows"]] == [
        ("2026-10-24", 10),
        ("2026-10-25", 25),
        ("2026-10-26", 15),
    ]
    assert answer["total"]["cost_usd"] == "0.01184"
    assert sum(Decimal(row["cost_usd"]) for row in answer["rows"]) == Decimal("0.01184")


def test_an_interval_comes_before_the_dimensions(filled: Processor) -> None:
    answer = json.loads(read(filled, f"costs?{RANGE}&interval=month&by=feature,team").body)
    assert (answer["by"], answer["timezone"]) == (["month", "feature", "team"], "Europe/Berlin")
    first = answer["rows"][0]
    assert (first["month"], first["feature"], first["requests"]) == ("2026-10", "search", 45)


def test_both_hours_of_one_name_are_told(filled: Processor) -> None:
    query = "from=2026-10-25T00:00Z&to=2026-10-25T02:00Z&timezone=Europe/Berlin&by=hour"
    rows = json.loads(read(filled, f"costs?{query}").body)["rows"]
    assert [row["hour"] for row in rows] == ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("costs?by=feature,tenant,team,model&interval=hour", Costs),
        ("costs?by=provider,service_name,status,writer", Costs),
        ("requests?limit=50", Requests),
    ],
)
def test_answers_are_what_openapi_says(
    filled: Processor, path: str, model: type[Costs | Requests]
) -> None:
    body = read(filled, f"{path}&{RANGE}").body
    assert json.loads(model.model_validate_json(body).model_dump_json(exclude_unset=True)) == (
        json.loads(body)
    )


def test_every_dimension_is_a_filter_and_a_column() -> None:
    assert set(FILTERS) <= set(CostsQuery.model_fields) & set(RequestsQuery.model_fields)
    assert set(DIMENSIONS) <= set(CostRow.model_fields)


def test_openapi_names_parameters_and_answers(filled: Processor) -> None:
    described = json.loads(request(filled.port, "GET", "/openapi.json").body)
    get = described["paths"]["/api/v1/costs"]["get"]
    assert {"by", "interval", "from", "to", "timezone", "tenant"} <= {
        parameter["name"] for parameter in get["parameters"]
    }
    assert set(get["responses"]) == {"200", "4XX", "503"}
    assert set(get["responses"]["200"]["content"]) == {"application/json", "text/csv"}


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("&format=csv", "application/json", "text/csv; charset=utf-8"),
        ("", "text/csv", "text/csv; charset=utf-8"),
        ("", "text/html, text/csv;q=0.9", "text/csv; charset=utf-8"),
        ("", "application/json, text/csv", "application/json"),
        ("&format=json", "text/csv", "application/json"),
        ("", "*/*", "application/json"),
    ],
)
def test_csv_comes_by_format_or_by_accept(
    filled: Processor, query: str, accept: str, content_type: str
) -> None:
    answer = read(filled, f"costs?{RANGE}{query}", accept=accept)
    assert answer.headers["content-type"] == content_type


def test_no_spreadsheet_runs_a_feature_s_name(filled: Processor) -> None:
    answer = read(filled, f"costs?{RANGE}&format=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="costs.csv"'
    assert {row["feature"] for row in rows_of(answer)} == {"search", "'=cmd"}
    calls = rows_of(read(filled, f"requests?{RANGE}&format=csv"))
    assert {row["feature"] for row in calls} == {"search", "'=cmd"}


def test_csv_without_rows_has_its_header(filled: Processor) -> None:
    answer = read(filled, "costs?from=2026-01-01&to=2026-01-02&format=csv")
    assert answer.text == "feature,cost_usd,requests,unpriced,input_tokens,output_tokens\r\n"


def test_pages_tell_every_call_once_newest_first(filled: Processor) -> None:
    path, told, sizes = f"requests?{RANGE}&feature=search&limit=20", [], []
    while path:
        answer: dict[str, Any] = json.loads(read(filled, path).body)
        told += [row["start_time"] for row in answer["rows"]]
        sizes.append(len(answer["rows"]))
        following = answer["next"]
        path = f"requests?feature=search&limit=20&cursor={following}" if following else ""
    assert sizes == [20, 20, 5]
    assert told == sorted(set(told), reverse=True)
    assert told[0] == "2026-10-26T13:00:00Z"


def test_a_page_of_csv_links_to_the_next(filled: Processor) -> None:
    path, ids = f"/api/v1/requests?{RANGE}&format=csv&limit=30", []
    while path:
        answer = request(filled.port, "GET", path)
        ids += [row["span_id"] for row in rows_of(answer)]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1] if link else ""
    assert len(ids) == len(set(ids)) == 50


@pytest.mark.parametrize("other", ["team=x", "order=dearest"])
def test_a_cursor_of_another_question_is_refused(filled: Processor, other: str) -> None:
    answer = json.loads(read(filled, f"requests?{RANGE}&limit=1").body)
    wrong = request(filled.port, "GET", f"/api/v1/requests?{other}&cursor={answer['next']}")
    assert wrong.status == 400
    assert "an answer to the same filters and order" in json.loads(wrong.body)["detail"]


def test_the_dearest_come_first_when_asked_for(filled: Processor) -> None:
    path, told = f"requests?{RANGE}&order=dearest&limit=30", []
    while path:
        answer: dict[str, Any] = json.loads(read(filled, path).body)
        told += [(Decimal(row["cost_usd"]), row["start_time"]) for row in answer["rows"]]
        following = answer["next"]
        path = f"requests?order=dearest&limit=30&cursor={following}" if following else ""
    assert len(told) == 50
    assert told == sorted(told, reverse=True)
    wrong = request(filled.port, "GET", "/api/v1/requests?order=cheapest")
    assert (wrong.status, "order" in json.loads(wrong.body)["detail"]) == (400, True)


def test_one_trace_can_be_looked_up(filled: Processor) -> None:
    answer = json.loads(read(filled, f"requests?{RANGE}&trace_id={7:032x}").body)
    (row,) = answer["rows"]
    assert (row["span_id"], row["cost_usd"], row["status"]) == (f"{7:016x}", "0.0002368", "priced")


@pytest.mark.parametrize("read_name", ["costs", "requests"])
def test_a_limit_of_reading_asks_to_come_again(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, read_name: str
) -> None:
    service = Service(Settings(ledger=str(tmp_path / "l.duckdb")))

    def too_slow(*_: object) -> None:
        raise LedgerError("the query took longer than 10 s")

    monkeypatch.setattr(service.store, "read", too_slow)
    answer = TestClient(build_api(service)).get(f"/api/v1/{read_name}")
    service.store.close()
    counted = service.metrics.registry.get_sample_value(
        "taximeter_reads_total", {"read": read_name, "outcome": "limit"}
    )
    assert counted == 1
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"] == "the query took longer than 10 s"


def test_filters_may_hold_what_urls_and_sql_would_mind(filled: Processor) -> None:
    for value in ("a&b=c", "'; drop table calls; --", "ünï 🚕", "%"):
        query = urllib.parse.urlencode({"feature": value})
        answer = json.loads(read(filled, f"costs?{RANGE}&{query}").body)
        assert answer["rows"] == []
