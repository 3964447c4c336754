"""Turns however an emitter names a provider into a `gen_ai.provider.name` of the conventions.

A framework's name (or none) is no provider: then the host that was called decides, then the shape
of the model's id, then the model's family. A seller we do not know stays itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

WELL_KNOWN: Final = frozenset(
    {
        "anthropic",
        "aws.bedrock",
        "azure.ai.inference",
        "azure.ai.openai",
        "cohere",
        "deepseek",
        "gcp.gemini",
        "gcp.gen_ai",
        "gcp.vertex_ai",
        "groq",
        "ibm.watsonx.ai",
        "mistral_ai",
        "moonshot_ai",
        "openai",
        "perplexity",
        "x_ai",
        "openrouter",
        "ollama",
        "together_ai",
        "fireworks_ai",
    }
)
# Names of what makes the call, not of who sells it.
_FRAMEWORKS: Final = frozenset(
    {
        "strands-agents",
        "gcp.vertex.agent",
        "langchain",
        "langgraph",
        "crewai",
        "litellm",
        "litellm_proxy",
        "llamaindex",
        "llama_index",
        "pydantic-ai",
        "pydantic_ai",
        "ag2",
        "embedchain",
        "autogen",
        "semantic-kernel",
        "haystack",
        "openai-agents",
        "unknown",
        "other",
        "_other",
        "none",
        "custom",
    }
)
_MOST_NAME: Final = 64
_ALIASES: Final = {
    "az.ai.openai": "azure.ai.openai",
    "azure.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "azure_ai": "azure.ai.inference",
    "aws": "aws.bedrock",
    "amazon": "aws.bedrock",
    "aws.anthropic": "aws.bedrock",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "gcp.anthropic": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "googleai": "gcp.gemini",
    "google": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
    "mistralai": "mistral_ai",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "watsonx": "ibm.watsonx.ai",
    "together": "together_ai",
    "togetherai": "together_ai",
    "fireworks": "fireworks_ai",
    # OpenLIT's names.
    "google.ai.studio": "gcp.gemini",
    "ibm.watson.ai": "ibm.watsonx.ai",
    # LiteLLM's names.
    "anthropic_text": "anthropic",
    "azure_text": "azure.ai.openai",
    "codestral": "mistral_ai",
    "cohere_chat": "cohere",
    "ollama_chat": "ollama",
    "text-completion-codestral": "mistral_ai",
    "text-completion-openai": "openai",
    "watsonx_text": "ibm.watsonx.ai",
    # LangChain's names.
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "amazon_bedrock": "aws.bedrock",
}
_PREFIXES: Final = (
    ("azure-openai", "azure.ai.openai"),
    ("azure.", "azure.ai.inference"),
    ("amazon-bedrock", "aws.bedrock"),
    ("bedrock", "aws.bedrock"),
    ("vertex.", "gcp.vertex_ai"),
    ("google.vertex", "gcp.vertex_ai"),
    ("google-vertex", "gcp.vertex_ai"),
    ("google.generative-ai", "gcp.gemini"),
    ("mistral", "mistral_ai"),
    ("vertex_ai", "gcp.vertex_ai"),
)
_HOSTS: Final = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"(^|\.)api\.openai\.com$", "openai"),
        (r"\.(openai|cognitiveservices)\.azure\.com$", "azure.ai.openai"),
        (r"\.(services\.ai|models\.ai|inference\.ai)\.azure\.com$", "azure.ai.inference"),
        (r"(^|\.)api\.anthropic\.com$", "anthropic"),
        (
            r"^bedrock(-runtime|-mantle)?(-fips)?\..*\.(amazonaws\.com(\.cn)?|api\.aws)$",
            "aws.bedrock",
        ),
        (r"(^|[.-])aiplatform\.(googleapis\.com|.*\.rep\.googleapis\.com)$", "gcp.vertex_ai"),
        (r"^generativelanguage\.googleapis\.com$", "gcp.gemini"),
        (r"^api\.mistral\.ai$", "mistral_ai"),
        (r"^api\.groq\.com$", "groq"),
        (r"^api\.deepseek\.com$", "deepseek"),
        (r"^api\.x\.ai$", "x_ai"),
        (r"^api\.cohere\.(com|ai)$", "cohere"),
        (r"^api\.perplexity\.ai$", "perplexity"),
        (r"^api\.moonshot\.(ai|cn)$", "moonshot_ai"),
        (r"^api\.together\.(xyz|ai)$", "together_ai"),
        (r"^api\.fireworks\.ai$", "fireworks_ai"),
        (r"(^|\.)ml\.cloud\.ibm\.com$", "ibm.watsonx.ai"),
        (r"(^|\.)openrouter\.ai$", "openrouter"),
    )
)
_MODEL_SHAPES: Final = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"^arn:aws[\w-]*:bedrock:", "aws.bedrock"),
        (r"^((us|eu|apac|ap|jp|au|ca|sa|global|us-gov)\.)?(anthropic|amazon|meta|mistral|cohere|ai21|"
         r"deepseek|stability|writer|qwen|openai|nvidia|luma)\.[\w.-]+", "aws.bedrock"),
        (r"publishers/\w+/models/", "gcp.vertex_ai"),
        (r"^(ft:)?(gpt-|chatgpt-|o\d(-|$)|text-embedding-|whisper-|dall-e|tts-)", "openai"),
        (r"^claude-", "anthropic"),
        (r"^gemini-", "gcp.gemini"),
        (r"^(mistral|codestral|ministral|pixtral|magistral|devstral)-", "mistral_ai"),
        (r"^grok-", "x_ai"),
        (r"^deepseek-", "deepseek"),
        (r"^(command-|embed-(english|multilingual|v4)|rerank-)", "cohere"),
        (r"^(kimi-|moonshot-)", "moonshot_ai"),
        (r"^sonar(-|$)", "perplexity"),
    )
)  # fmt: skip


@lru_cache(maxsize=4096)
def canonical_provider(name: str, server_address: str, model: str) -> str:
    """The provider's well-known name, or empty when nothing tells."""
    lowered = name.strip().lower()
    if lowered in WELL_KNOWN:
        return lowered
    if lowered.startswith("azure.") and _is_openai_model(model):
        return "azure.ai.openai"
    if lowered == "google" and (seller := _sold_at(server_address)):  # one of its two services
        return seller
    if lowered in _ALIASES:
        return _ALIASES[lowered]
    for prefix, provider in _PREFIXES:
        if lowered.startswith(prefix):
            return provider
    # Vercel appends what was called: openai.chat, anthropic.messages, …
    seller = lowered.partition(".")[0]
    seller = _ALIASES.get(seller, seller)
    if seller in WELL_KNOWN:
        return seller
    if not is_framework(lowered):
        # A seller we do not know has prices of its own: never those of the model's maker.
        return lowered if len(lowered) <= _MOST_NAME and lowered.isprintable() else ""
    return _inferred(server_address, model.strip().lower())


def is_framework(name: str) -> bool:
    """A name that tells who made the call and not who sold it, or none at all."""
    return not name or name.strip().lower() in _FRAMEWORKS


def _inferred(server_address: str, model: str) -> str:
    if seller := _sold_at(server_address):
        return seller
    vendor, slash, rest = model.partition("/")
    if slash and not model.startswith(("publishers/", "arn:")):
        known = canonical_provider(vendor, "", "")
        if known in WELL_KNOWN:
            return known
        model = rest
    for pattern, provider in _MODEL_SHAPES:
        if pattern.search(model):
            return provider
    return ""


def _sold_at(address: str) -> str:
    """The seller behind a well-known host; an emitter may give a whole URL, or a port with it."""
    host = address.lower().rpartition("://")[2].partition("/")[0].partition(":")[0]
    return next((provider for pattern, provider in _HOSTS if pattern.search(host)), "")


def _is_openai_model(model: str) -> bool:
    return bool(re.match(r"(ft:)?(gpt-|chatgpt-|o\d(-|$)|text-embedding-)", model.lower()))
