"""Turns the host and path of a request into the provider it calls and the reader of its answer.

To add a provider: write its reader beside `openai.py`, add its paths to `_FORMATS`, its hosts to
`_HOSTS`, and its recorded answers to the tests.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from taximeter.providers import openai
from taximeter.providers.base import Reader

_CACHED = 4096


class Route(NamedTuple):
    """An LLM endpoint."""

    provider: str
    """A `gen_ai.provider.name`."""
    operation: str
    reader: type[Reader]
    path_model: str | None
    """The model or deployment that the path names, if it does."""


_FORMATS: tuple[tuple[str, str, type[Reader]], ...] = (*openai.PATHS,)

_HOSTS = (
    (r"(?:[a-z]+\.)?api\.openai\.com", "openai"),
    (r".+\.(?:openai\.azure|cognitiveservices\.azure|services\.ai\.azure)\.com", "azure.ai.openai"),
    (r"api\.deepseek\.com", "deepseek"),
    (r"api\.groq\.com", "groq"),
    (r"api\.mistral\.ai", "mistral_ai"),
    (r"api\.x\.ai", "x_ai"),
    (r"openrouter\.ai", "openrouter"),
)

_ENDPOINTS = tuple((re.compile(tail), operation, reader) for tail, operation, reader in _FORMATS)
_PROVIDERS = tuple((re.compile(host), provider) for host, provider in _HOSTS)
_PATH_MODEL = re.compile(r"/(?:deployments|models?)/([^/:]+)[/:]")


@lru_cache(maxsize=_CACHED)
def provider_of(host: str) -> str | None:
    """The provider behind a well-known host name, or None."""
    for pattern, provider in _PROVIDERS:
        if pattern.fullmatch(host):
            return provider
    return None


@lru_cache(maxsize=_CACHED)
def route(provider: str, path: str) -> Route | None:
    """How a provider's endpoint at this path is read, or None if no inference happens there."""
    for pattern, operation, reader in _ENDPOINTS:
        if pattern.search(path.rstrip("/")):
            named = _PATH_MODEL.search(path)
            return Route(provider, operation, reader, named.group(1) if named else None)
    return None
