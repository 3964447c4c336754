"""The read API, tokens and the scrape on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taximeter_processor import names
from tests.support.otlp import proto_span, protobuf
from tests.support.raw_http import post_traces, request
from tests.support.servers import Processor, get

INGEST = "ingest-token-0123456789"
READ = "read-token-0123456789ab"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """A processor that knows two tokens."""
    server = Processor(
        tmp_path_factory.mktemp("guarded"),
        tokens=[
            {"name": "collector", "scopes": ["ingest"], "value": INGEST},
            {"name": "people", "scopes": ["read"], "value": READ},
        ],
    )
    server.start()
    yield server
    server.stop()


def test_every_family_on_the_scrape_is_one_we_named(processor: Processor) -> None:
    families = list(text_string_to_metric_families(get(f"{processor.url}/metrics")))
    known = {metric.name.removesuffix("_total") for metric in names.ALL}
    assert {family.name for family in families} - known == set()


def test_the_scrape_negotiates_openmetrics(processor: Processor) -> None:
    answer = request(
        processor.port, "GET", "/metrics", headers={"accept": "application/openmetrics-text"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("costs?by=colour", "expected one of feature, team"),
        ("costs?since=soon", "expected 7d, 12h"),
        ("costs?since=1d&until=2d", "is not after"),
        ("costs?colour=red", "is no filter"),
        ("costs?interval=year", "Input should be 'total', 'hour', 'day', 'week' or 'month'"),
        ("costs?by=day&interval=week", "expected one of them"),
        ("costs?interval=hour&since=60d", "expected a range of at most 1000 hours"),
        ("costs?timezone=Mars/Olympus", "expected an IANA time zone"),
        ("costs?timezone=Europe", "expected an IANA time zone"),
        ("costs?from=1d&since=1d", "are the same: expected one of them"),
        ("costs?feature=a&feature=b", "'feature' is given more than once"),
        ("costs?feature=a%00b", "text without the character NUL"),
        ("costs?format=xml", "format: Input should be 'json' or 'csv'"),
        ("requests?limit=1001", "limit: Input should be less than or equal to 1000"),
        ("requests?cursor=bm8", "expected the `next` of an answer"),
        ("requests?by=feature", "'by' is no filter"),
        ("costs?since=900000d", "is out of reach"),
        ("costs?by=day&since=9999-12-30", "is out of reach"),
        ("costs?by=feature,team,tenant,model,provider", "expected 1 to 4 dimensions"),
        ("trend?days=0", "expected a whole number from 1"),
        ("dead-letters?limit=x", "expected a whole number from 1"),
    ],
)
def test_a_wrong_parameter_says_what_was_expected(
    processor: Processor, path: str, message: str
) -> None:
    answer = request(processor.port, "GET", f"/api/v1/{path}")
    assert answer.status == 400
    assert message in json.loads(answer.body)["detail"]


def test_rows_come_as_csv_too(processor: Processor) -> None:
    post_traces(processor.port, protobuf(proto_span(77)))
    answer = request(processor.port, "GET", "/api/v1/costs?since=2026-11-01&format=csv")
    assert answer.text.splitlines()[0].startswith("feature,cost_usd,requests")


def test_the_api_describes_itself(processor: Processor) -> None:
    paths = json.loads(get(f"{processor.url}/openapi.json"))["paths"]
    assert {"/api/v1/costs", "/api/v1/ledger/verify"} <= set(paths)


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/costs", "/api/v1/status", "/openapi.json"])
def test_reading_needs_a_token_with_that_scope(guarded: Processor, path: str) -> None:
    bearer = {"authorization": f"Bearer {INGEST}"}
    assert request(guarded.port, "GET", path).status == 401
    assert request(guarded.port, "GET", path, headers=bearer).status == 403
    bearer = {"authorization": f"Bearer {READ}"}
    assert request(guarded.port, "GET", path, headers=bearer).status == 200


def test_sending_needs_a_token_with_that_scope(guarded: Processor) -> None:
    body = protobuf(proto_span(1))
    assert post_traces(guarded.port, body).status == 401
    assert post_traces(guarded.port, body, authorization="Bearer wrong-0123456789").status == 401
    assert post_traces(guarded.port, body, authorization=f"Bearer {READ}").status == 403
    assert post_traces(guarded.port, body, authorization=f"Bearer {INGEST}").status == 200


def test_a_sender_with_a_token_may_call_the_host_by_any_name(guarded: Processor) -> None:
    body = protobuf(proto_span(2))
    sent = post_traces(guarded.port, body, authorization=f"Bearer {INGEST}", host="taximeter:4319")
    assert sent.status == 200


def test_strange_cookies_of_others_lock_nobody_out(guarded: Processor) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    signed_in = request(guarded.port, "POST", "/login", f"token={READ}".encode(), form)
    own = signed_in.headers["set-cookie"].partition(";")[0]
    cookie = f'x={{"a":1}}; a,b=1; {own}'
    assert request(guarded.port, "GET", "/metrics", headers={"cookie": cookie}).status == 200


def test_health_needs_no_token(guarded: Processor) -> None:
    assert get(f"{guarded.url}/healthz") == "ok\n"
    assert get(f"{guarded.url}/readyz") == "ready\n"


def test_tokens_are_in_no_log(guarded: Processor) -> None:
    log = guarded.log.read_text()
    assert INGEST not in log
    assert READ not in log
