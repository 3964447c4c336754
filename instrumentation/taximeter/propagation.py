"""Turns tags into request headers and back, for services that trust each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from urllib.parse import quote, unquote

from taximeter import attributes
from taximeter.tags import checked

HEADERS: Mapping[str, str] = {
    attributes.FEATURE: "x-taximeter-feature",
    attributes.TENANT: "x-taximeter-tenant",
    attributes.TEAM: "x-taximeter-team",
    attributes.REQUEST_TYPE: "x-taximeter-request-type",
}
"""The header of each tag. Values are percent-encoded where HTTP would not carry them."""

_PLAIN = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}"


def add_headers(headers: MutableMapping[str, str], tags: Mapping[str, str]) -> None:
    """Add the tags that the application has not put there itself."""
    for name, value in tags.items():
        header = HEADERS[name]
        if header not in headers:
            headers[header] = quote(value, safe=_PLAIN)


def remove_headers(headers: MutableMapping[str, str]) -> None:
    """Take all four headers away."""
    for header in HEADERS.values():
        headers.pop(header, None)


def from_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The tags among raw ASGI headers: the four of ours, else W3C baggage named `taximeter.*`."""
    found: dict[str, str] = {}
    baggage: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in _TAG_OF_HEADER:
            found[_TAG_OF_HEADER[name]] = unquote(value)
        elif name == "baggage":
            baggage.update(_from_baggage(value))
    return checked({**baggage, **found})


_TAG_OF_HEADER = {header: name for name, header in HEADERS.items()}


def _from_baggage(value: str) -> dict[str, str]:
    members = (member.partition(";")[0].partition("=") for member in value.split(","))
    return {
        key.strip(): unquote(text.strip())
        for key, _, text in members
        if key.strip() in attributes.TAGS
    }
