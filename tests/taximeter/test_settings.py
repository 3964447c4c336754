"""Settings: arguments before environment, and nothing bad ever raises."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter import faults, settings
from taximeter.settings import HostPort, Settings

Patch = pytest.MonkeyPatch


def test_without_anything_given_there_are_defaults() -> None:
    assert settings.load() == Settings()


def test_the_environment_is_read(monkeypatch: Patch) -> None:
    for name, value in {
        "TAXIMETER_ENDPOINT": "http://collector:4318",
        "TAXIMETER_SAMPLING": "follow",
        "TAXIMETER_HTTP_SPANS": "TRUE",
        "TAXIMETER_HOSTS": "llm.internal:8000=openai, proxy.corp=anthropic",
        "TAXIMETER_PROPAGATE_TO": "b.internal,[::1]:8080",
        "TAXIMETER_TRUSTED_PEERS": "10.0.0.0/8,::1",
        "TAXIMETER_TEAM": "growth",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http,gen_ai_latest_experimental",
    }.items():
        monkeypatch.setenv(name, value)
    assert settings.load() == Settings(
        endpoint="http://collector:4318",
        sampling="follow",
        http_spans=True,
        hosts=((HostPort("llm.internal", 8000), "openai"), (HostPort("proxy.corp"), "anthropic")),
        propagate_to=(HostPort("b.internal"), HostPort("::1", 8080)),
        trusted_peers=(ip_network("10.0.0.0/8"), ip_network("::1")),
        default_tags={"taximeter.team": "growth"},
        latest_conventions=True,
    )


def test_arguments_win(monkeypatch: Patch) -> None:
    monkeypatch.setenv("TAXIMETER_ENDPOINT", "http://a:1")
    monkeypatch.setenv("TAXIMETER_HTTP_SPANS", "true")
    monkeypatch.setenv("TAXIMETER_TEAM", "growth")
    monkeypatch.setenv("TAXIMETER_HOSTS", "a=openai")
    chosen = settings.load(
        endpoint="http://b:2",
        http_spans=False,
        hosts={"b": "groq"},
        default_tags={"taximeter.team": "search"},
    )
    assert (chosen.endpoint, chosen.http_spans) == ("http://b:2", False)
    assert chosen.hosts == ((HostPort("b"), "groq"),)
    assert chosen.default_tags == {"taximeter.team": "search"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TAXIMETER_ENDPOINT", "collector:4318"),
        ("TAXIMETER_SAMPLING", "sometimes"),
        ("TAXIMETER_HTTP_SPANS", "maybe"),
        ("TAXIMETER_HOSTS", "llm.internal"),
        ("TAXIMETER_HOSTS", "llm.internal:port=openai"),
        ("TAXIMETER_HOSTS", "http://llm.internal=openai"),
        ("TAXIMETER_PROPAGATE_TO", "b.internal/path"),
        ("TAXIMETER_TRUSTED_PEERS", "10.0.0.1/8"),
    ],
)
def test_a_bad_value_is_ignored_and_reported_by_name(
    monkeypatch: Patch, variable: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(variable, value)
    assert settings.load() == Settings()
    assert faults.counts() == {f"setting {variable}": 1}
    assert variable in caplog.text


def test_one_bad_host_does_not_spoil_the_others() -> None:
    chosen = settings.load(hosts="nonsense,llm.internal=openai,,")
    assert chosen.hosts == ((HostPort("llm.internal"), "openai"),)


@given(st.text(), st.text(), st.text())
def test_no_text_makes_it_raise(hosts: str, endpoint: str, peers: str) -> None:
    settings.load(hosts=hosts, endpoint=endpoint, trusted_peers=peers, propagate_to=hosts)
    faults.reset()
