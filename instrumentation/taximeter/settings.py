"""Turns arguments of `instrument()` and `TAXIMETER_…` variables into one frozen `Settings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from taximeter import attributes, faults
from taximeter.tags import checked

Sampling: TypeAlias = Literal["always", "follow"]
StreamUsage: TypeAlias = Literal["leave", "request"]
Network: TypeAlias = IPv4Network | IPv6Network

VARIABLES: Mapping[str, str] = {
    "TAXIMETER_ENDPOINT": "OTLP/HTTP URL that gets our spans, instead of the app's own exporter",
    "TAXIMETER_SAMPLING": "`always` (default) or `follow` the app's sampler",
    "TAXIMETER_HTTP_SPANS": "`true` adds OpenTelemetry's HTTP span under each of ours",
    "TAXIMETER_HOSTS": "more LLM hosts: `host[:port]=<gen_ai.provider.name>`, comma separated",
    "TAXIMETER_STREAM_USAGE": "`request` asks OpenAI streams for the usage they leave out",
    "TAXIMETER_BEDROCK_METADATA": "`true` puts the tags into Bedrock's request metadata",
    "TAXIMETER_PROPAGATE_TO": "hosts that are sent the tags as headers: `host[:port]`, …",
    "TAXIMETER_TRUSTED_PEERS": "networks whose tag headers are believed: `10.0.0.0/8`, …",
    "TAXIMETER_FEATURE": "default feature tag",
    "TAXIMETER_TENANT": "default tenant tag",
    "TAXIMETER_TEAM": "default team tag",
    "TAXIMETER_REQUEST_TYPE": "default request type tag",
}
"""Every environment variable the instrumentation reads, and what it means."""

_CONVENTIONS = "gen_ai_latest_experimental"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_TAG_VARIABLES = {
    attributes.FEATURE: "TAXIMETER_FEATURE",
    attributes.TENANT: "TAXIMETER_TENANT",
    attributes.TEAM: "TAXIMETER_TEAM",
    attributes.REQUEST_TYPE: "TAXIMETER_REQUEST_TYPE",
}
Value = TypeVar("Value")


class HostPort(NamedTuple):
    """A host name in lower case; without a port, any port."""

    host: str
    port: int | None = None

    def covers(self, host: str, port: int | None) -> bool:
        return host == self.host and (self.port is None or port == self.port)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the application is metered. Bad values were reported and left out."""

    endpoint: str | None = None
    sampling: Sampling = "always"
    http_spans: bool = False
    hosts: tuple[tuple[HostPort, str], ...] = ()
    """More hosts to recognise, each with its `gen_ai.provider.name`."""
    stream_usage: StreamUsage = "leave"
    bedrock_metadata: bool = False
    propagate_to: tuple[HostPort, ...] = ()
    trusted_peers: tuple[Network, ...] = ()
    default_tags: Mapping[str, str] = field(default_factory=dict)
    """By span attribute name."""
    latest_conventions: bool = False
    """Also write names that only the newest GenAI conventions have."""


def load(
    *,
    endpoint: str | None = None,
    sampling: str | None = None,
    http_spans: bool | None = None,
    hosts: Mapping[str, str] | str | None = None,
    stream_usage: str | None = None,
    bedrock_metadata: bool | None = None,
    propagate_to: Iterable[str] | str | None = None,
    trusted_peers: Iterable[str] | str | None = None,
    default_tags: Mapping[str, object] | None = None,
) -> Settings:
    """Settings from arguments, else from the environment. Never raises: a bad value is ignored."""
    return Settings(
        endpoint=_endpoint(endpoint or os.environ.get("TAXIMETER_ENDPOINT")),
        sampling="follow"
        if _chosen("TAXIMETER_SAMPLING", sampling, "always", "follow")
        else "always",
        http_spans=_flag("TAXIMETER_HTTP_SPANS", http_spans),
        hosts=_each("TAXIMETER_HOSTS", _pairs(hosts), _host_provider),
        stream_usage=(
            "request"
            if _chosen("TAXIMETER_STREAM_USAGE", stream_usage, "leave", "request")
            else "leave"
        ),
        bedrock_metadata=_flag("TAXIMETER_BEDROCK_METADATA", bedrock_metadata),
        propagate_to=_each("TAXIMETER_PROPAGATE_TO", propagate_to, host_port),
        trusted_peers=networks(trusted_peers),
        default_tags=_default_tags(default_tags or {}),
        latest_conventions=_CONVENTIONS in os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", ""),
    )


def networks(values: Iterable[str] | str | None = None) -> tuple[Network, ...]:
    """Networks from addresses and CIDR blocks, else from TAXIMETER_TRUSTED_PEERS."""
    return _each("TAXIMETER_TRUSTED_PEERS", values, ip_network)


def host_port(text: str) -> HostPort:
    """Read `host`, `host:port` or `[address]:port`. Raises ValueError for anything else."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.path or parts.query or parts.username is not None:
        raise ValueError("expected host[:port]")
    return HostPort(parts.hostname, parts.port)


def _host_provider(text: str) -> tuple[HostPort, str]:
    address, separator, provider = text.rpartition("=")
    if not separator or not provider.strip():
        raise ValueError("expected host[:port]=<gen_ai.provider.name>")
    return host_port(address.strip()), provider.strip()


def _pairs(hosts: Mapping[str, str] | str | None) -> Iterable[str] | str | None:
    if hosts is None or isinstance(hosts, str):
        return hosts
    return [f"{host}={provider}" for host, provider in hosts.items()]


def _each(
    variable: str, values: Iterable[str] | str | None, read: Callable[[str], Value]
) -> tuple[Value, ...]:
    if values is None:
        values = os.environ.get(variable, "")
    if isinstance(values, str):
        values = values.split(",")
    return tuple(
        value
        for text in values
        if str(text).strip() and (value := _read(variable, str(text).strip(), read)) is not None
    )


def _read(variable: str, text: str, read: Callable[[str], Value]) -> Value | None:
    try:
        return read(text)
    except ValueError as error:
        _ignore(variable, text, str(error))
        return None


def _endpoint(text: str | None) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        _ignore("TAXIMETER_ENDPOINT", text, "expected an http:// or https:// URL")
        return None
    return text


def _chosen(variable: str, given: str | None, usual: str, other: str) -> bool:
    """True if the other of two ways was chosen."""
    text = given or os.environ.get(variable) or usual
    if text not in (usual, other):
        _ignore(variable, text, f"expected `{usual}` or `{other}`")
    return text == other


def _flag(variable: str, given: bool | None) -> bool:
    if given is not None:
        return bool(given)
    text = os.environ.get(variable, "").strip().lower()
    if text not in _TRUE + _FALSE:
        _ignore(variable, text, "expected `true` or `false`")
    return text in _TRUE


def _default_tags(values: Mapping[str, object]) -> Mapping[str, str]:
    environment = {name: os.environ.get(variable) for name, variable in _TAG_VARIABLES.items()}
    return checked({name: value or None for name, value in environment.items()}) | checked(values)


def _ignore(variable: str, text: str, expected: str) -> None:
    faults.note(f"setting {variable}", f"{text!r} is ignored: {expected}")
