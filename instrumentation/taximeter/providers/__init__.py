"""Turns the host and path of a request into the provider it calls and the reader of its answer.

To add a provider: write its file beside `openai.py`, with its `HOSTS` and `PATHS`, and add it to
`_MODULES`; and add its recorded answers to the tests.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from taximeter.providers import anthropic, bedrock, cohere, gemini, mistral, ollama, openai
from taximeter.providers.base import Hosts, Paths, Reader

_CACHED = 4096


class Route(NamedTuple):
    """An LLM endpoint."""

    provider: str
    """A `gen_ai.provider.name`."""
    operation: str
    reader: type[Reader]
    path_model: str | None
    """The model or deployment that the path names, if it does."""


class _Module(Protocol):
    HOSTS: Hosts
    PATHS: Paths


_MODULES: tuple[_Module, ...] = (openai, anthropic, gemini, bedrock, cohere, mistral, ollama)
"""In the order in which a path that is not the provider's own is tried: OpenAI's is everybody's."""

_HOSTS = tuple(
    (re.compile(host), provider) for module in _MODULES for host, provider in module.HOSTS
)
_ENDPOINTS = tuple(
    (re.compile(tail), operation, reader, frozenset(provider for _, provider in module.HOSTS))
    for module in _MODULES
    for tail, operation, reader in module.PATHS
)
_PATH_MODEL = re.compile(
    r"/(?:deployments|models|model)/([^:]+?)"
    r"(?::[A-Za-z]+|/(?:converse|converse-stream|invoke|invoke-with-response-stream)"
    r"|/(?:v1/)?(?:chat/completions|completions|responses|embeddings|messages"
    r"|images/[a-z]+|audio/[a-z]+))$"
)
_FOUNDRY_ANTHROPIC = re.compile(r"/anthropic/v1/messages$")
_NAMES_MODEL = re.compile(r"/(?:deployments|models|model)/[^/]+")
_SHARED_HOSTS = frozenset({"gcp.vertex_ai", "azure.ai.openai", "aws.bedrock"})
"""Their hosts serve more than models: an unknown path is a call only if it names one."""
_NOT_INFERENCE = re.compile(
    r"(?:^|/)(?:files|uploads?|batches|batchPredictionJobs|fine_tuning|fine-tunes|fine-tuning"
    r"|finetuning|vector_stores|assistants|conversations|containers|evals|graders|organizations?"
    r"|moderations|chat/moderations|guardrails?|oauth2?|tokens?|auth|auth_tokens|auth-tokens|keys?"
    r"|login|health|credits|user|team|skills|admin|client_secrets|realtime/sessions"
    r"|cachedContents|fileSearchStores|tunedModels|corpora|operations|datasets|connectors"
    r"|embed-jobs|check-api-key|feedback|async-invoke)(?:$|[/:])"
    r"|/(?:count_tokens|count-tokens|input_tokens|tokenize|detokenize)(?:$|[/:])"
    r"|/count-tokens:|:(?:countTokens|computeTokens|batchGenerateContent|fetchPredictOperation"
    r"|asyncBatchEmbedContent)$"
    r"|/(?:responses|chat/completions|interactions)/[^/]"
    r"|/models(?:/[^/:]+)?$"
    r"|/api/(?:show|pull|push|create|copy|delete|tags|ps|version|blobs(?:/.*)?)$"
)
_THREADS = re.compile(r"/threads(?!.*/runs$)(?:$|/)")


@lru_cache(maxsize=_CACHED)
def provider_of(host: str) -> str | None:
    """The provider behind a well-known host name, or None."""
    for pattern, provider in _HOSTS:
        if pattern.fullmatch(host):
            return provider
    return None


@lru_cache(maxsize=_CACHED)
def route(provider: str, path: str) -> Route | None:
    """How a provider's endpoint at this path is read, or None if no inference happens there.

    `path` is percent-encoded. What no reader knows and is not known to be something else gets the
    reader of nothing: a call whose usage is missing shows, one that is not metered does not.
    """
    path = path.rstrip("/")
    found = _endpoint(provider, path)
    if found is None:
        if _is_no_call(provider, path):
            return None
        found = "generate_content", Reader
    operation, reader = found
    named = _PATH_MODEL.search(path)
    seller = provider
    if provider == "azure.ai.openai" and _FOUNDRY_ANTHROPIC.search(path):
        seller = "anthropic"
    return Route(seller, operation, reader, unquote(named.group(1)) if named else None)


def _endpoint(provider: str, path: str) -> tuple[str, type[Reader]] | None:
    """The provider's own paths first, then everybody's: gateways speak for others."""
    others: tuple[str, type[Reader]] | None = None
    for pattern, operation, reader, sellers in _ENDPOINTS:
        if (others is None or provider in sellers) and pattern.search(path):
            if provider in sellers:
                return operation, reader
            others = operation, reader
    return others


def _is_no_call(provider: str, path: str) -> bool:
    if not path or _NOT_INFERENCE.search(path) or _THREADS.search(path):
        return True
    return provider in _SHARED_HOSTS and not _NAMES_MODEL.search(path)
