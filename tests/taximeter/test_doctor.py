"""`taximeter doctor`: what was found, where spans go, and what the endpoint says to one."""

from __future__ import annotations

import json

import pytest

from taximeter.__main__ import main
from tests.support.otlp_sink import Answer, OtlpSink

Patch = pytest.MonkeyPatch
Captured = pytest.CaptureFixture[str]


def test_an_accepted_test_span_is_success(monkeypatch: Patch, capsys: Captured) -> None:
    with OtlpSink() as sink:
        monkeypatch.setenv("TAXIMETER_ENDPOINT", sink.url)
        assert main(["doctor"]) == 0
        (span,) = sink.spans
    assert (span.name, list(span.attributes)) == ("taximeter doctor", [])
    shown = capsys.readouterr().out
    assert f"Spans go to  {sink.url}/v1/traces (OTLP over HTTP)" in shown
    assert "Test span    accepted" in shown
    assert "openai 3." in shown
    assert "httpx2.AsyncClient.send" in shown


def test_a_refused_one_is_failure_with_the_reason(monkeypatch: Patch, capsys: Captured) -> None:
    with OtlpSink() as sink:
        sink.default = Answer(status=401)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
        assert main(["doctor", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert "401" in report["problem"]
    assert report["endpoint"] == f"{sink.url}/v1/traces"


def test_nobody_listening_is_failure_soon(monkeypatch: Patch, capsys: Captured) -> None:
    monkeypatch.setenv("TAXIMETER_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
    assert main(["doctor"]) == 1
    assert "refused" in capsys.readouterr().out


def test_a_setting_that_was_ignored_is_shown(monkeypatch: Patch, capsys: Captured) -> None:
    with OtlpSink() as sink:
        monkeypatch.setenv("TAXIMETER_ENDPOINT", sink.url)
        monkeypatch.setenv("TAXIMETER_HOSTS", "nonsense")
        assert main(["doctor"]) == 0
    assert "Ignored      setting TAXIMETER_HOSTS" in capsys.readouterr().out
