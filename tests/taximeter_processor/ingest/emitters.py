"""The emitters: their marks, what they count, what is corrected, and the spans that prove it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

_NOWHERE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})


class Emitter(NamedTuple):
    """One row of the table in `docs/emitters.md`; each of its vectors is a line there."""

    name: str
    marks: tuple[str, ...]
    """One is enough: an attribute, `attribute=value`, `scope NAME` or `span NAME`."""
    counts: str
    corrected: str
    vectors: tuple[str, ...]
    inside: Mapping[str, tuple[str, ...]] = _NOWHERE
    """Field of `Usage` to where its parts are told inside JSON: `attribute#path`."""


EMITTERS: Final = (
    Emitter(
        "Taximeter",
        ("scope taximeter",),
        "the conventions to the letter",
        "nothing",
        ("taximeter-anthropic",),
    ),
    Emitter(
        "conventions to 1.36",
        ("gen_ai.system",),
        "no cache, no reasoning",
        "providers' old spellings; embeddings put out nothing",
        ("otel-openai-embeddings",),
    ),
    Emitter(
        "conventions 1.37 to 1.41",
        ("gen_ai.provider.name",),
        "all input, all output, and their parts",
        "nothing",
        ("otel-latest-openai-cache", "semconv-anthropic-cache-creation", "openai-service-tier"),
    ),
    Emitter(
        "conventions since",
        ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.image.input_tokens"),
        "cache writes under a new name, modalities",
        "both names are one count; modalities are parts",
        ("semconv-new-cache-write", "semconv-modalities"),
    ),
    Emitter(
        "OpenTelemetry openai-v2",
        ("scope opentelemetry.instrumentation.openai_v2",),
        "never cache or reasoning, though the answer has them",
        "nothing can be: the cost is an upper bound",
        ("otel-openai-default",),
    ),
    Emitter(
        "OpenTelemetry botocore (Bedrock)",
        ("gen_ai.system=aws.bedrock",),
        "input without cache, which is lost; Cohere's and Mistral's `InvokeModel` guessed",
        "nothing can be: the cost is a lower bound; a guess is `estimated` and not priced",
        ("botocore-converse", "botocore-titan", "botocore-mistral-estimate"),
    ),
    Emitter(
        "OpenTelemetry google-genai",
        ("gen_ai.system=vertex_ai", "gen_ai.system=gemini"),
        "kind INTERNAL; cache and thoughts in its experimental mode only",
        "providers' spellings",
        ("google-genai-vertex", "google-genai-experimental"),
    ),
    Emitter(
        "Azure AI Inference",
        ("gen_ai.system=az.ai.inference",),
        "no cache; the model asked for may be the word `chat`",
        "provider's spelling; the model that answered is priced",
        ("azure-inference-legacy", "azure-inference-model-chat"),
    ),
    Emitter(
        "OpenInference",
        ("openinference.span.kind",),
        "all input; of Bedrock's Converse and Nova without the cache",
        "Converse and Nova: the cache is added",
        (
            "openinference-openai",
            "openinference-anthropic",
            "openinference-embedding",
            "openinference-cost",
            "openinference-bedrock-anthropic",
            "openinference-bedrock-converse",
            "openinference-bedrock-nova",
        ),
    ),
    Emitter(
        "OpenLLMetry",
        ("span anthropic.chat", "span bedrock.converse"),
        "all input; of Bedrock's Converse without the cache",
        "Converse: the cache is added",
        ("traceloop-anthropic", "traceloop-bedrock-converse"),
    ),
    Emitter(
        "OpenLLMetry before 0.50",
        ("llm.request.type",),
        "`prompt_tokens`, `completion_tokens`; underscored names of the cache",
        "as above",
        ("traceloop-legacy", "traceloop-bedrock-converse-underscored"),
    ),
    Emitter(
        "Vercel AI SDK 4",
        ("ai.usage.promptTokens",),
        "the cache in `ai.response.providerMetadata` only",
        "read from there; Anthropic, Bedrock: it is added",
        ("vercel-v4-doGenerate", "vercel-v4-openai-cached", "vercel-v4-anthropic"),
        {
            "cache_read_tokens": (
                "ai.response.providerMetadata#openai.cachedPromptTokens",
                "ai.response.providerMetadata#anthropic.cacheReadInputTokens",
            ),
            "cache_write_tokens": (
                "ai.response.providerMetadata#anthropic.cacheCreationInputTokens",
            ),
            "reasoning_tokens": ("ai.response.providerMetadata#openai.reasoningTokens",),
        },
    ),
    Emitter(
        "Vercel AI SDK 5",
        ("ai.usage.inputTokens", "ai.usage.tokens"),
        "what is written to a cache in the metadata only; Google's output without its thoughts",
        "Anthropic, Bedrock: the cache is added, unless the raw usage in the metadata shows it "
        "inside; thoughts are added where the total shows them outside",
        (
            "vercel-v5-anthropic-raw",
            "vercel-v5-bedrock",
            "vercel-v5-google-thoughts",
            "vercel-doEmbed",
        ),
        {
            "cache_write_tokens": (
                "ai.response.providerMetadata#anthropic.usage.cache_creation_input_tokens",
                "ai.response.providerMetadata#bedrock.usage.cacheWriteInputTokens",
            )
        },
    ),
    Emitter(
        "Vercel AI SDK 6",
        ("ai.usage.inputTokenDetails.noCacheTokens",),
        "the parts of its input",
        "input is exactly their sum",
        ("vercel-v6-details",),
    ),
    Emitter(
        "Vercel AI SDK 7",
        ("scope gen_ai",),
        "the conventions; agent and step around each call",
        "only the innermost span is a call",
        ("vercel-v7-chat",),
    ),
    Emitter(
        "LiteLLM 1",
        ("span litellm_request",),
        "no cache; its own names of operations; its cost",
        "operation's name; the cost is kept as reported",
        ("litellm-legacy", "litellm-v1-embedding"),
    ),
    Emitter(
        "LiteLLM 2",
        ("litellm.call_id",),
        "the conventions; its cost; the model behind a proxy's alias",
        "that model is priced where the answer names none",
        ("litellm-otel-v2", "litellm-v2-alias-only"),
    ),
    Emitter(
        "pydantic-ai",
        ("scope pydantic-ai",),
        "the conventions, repeated under `gen_ai.usage.details.…`",
        "the repetition is not added",
        ("pydantic-ai-chat",),
    ),
    Emitter(
        "logfire",
        ("gen_ai.usage.raw",),
        "cache and reasoning in the provider's own usage object",
        "read from there; Anthropic: the cache is added",
        ("logfire-anthropic", "logfire-openai"),
        {
            "cache_read_tokens": (
                "gen_ai.usage.raw#cache_read_input_tokens",
                "gen_ai.usage.raw#prompt_tokens_details.cached_tokens",
            ),
            "cache_write_tokens": ("gen_ai.usage.raw#cache_creation_input_tokens",),
            "reasoning_tokens": ("gen_ai.usage.raw#completion_tokens_details.reasoning_tokens",),
        },
    ),
    Emitter(
        "LangSmith",
        ("langsmith.span.kind",),
        "parts as the text of a Python mapping; cache writes by lifetime beside the rest; "
        "a provider guessed from the model's name",
        "read as such and summed; LangChain's own word for the provider is taken",
        ("langsmith-llm", "langsmith-anthropic-ttl", "langsmith-bedrock"),
        {
            "cache_read_tokens": ("gen_ai.usage.input_token_details#cache_read",),
            "cache_write_tokens": (
                "gen_ai.usage.input_token_details#cache_creation",
                "gen_ai.usage.input_token_details#ephemeral_5m_input_tokens",
                "gen_ai.usage.input_token_details#ephemeral_1h_input_tokens",
            ),
            "reasoning_tokens": ("gen_ai.usage.output_token_details#reasoning",),
        },
    ),
    Emitter(
        "Langfuse",
        ("langfuse.observation.type",),
        "a map of buckets that do not overlap, in JSON",
        "they are summed; a provider's own usage object is not",
        ("langfuse-generation", "langfuse-anthropic-ttl"),
        {
            "input_tokens": ("langfuse.observation.usage_details#input",),
            "output_tokens": ("langfuse.observation.usage_details#output",),
            "cache_read_tokens": ("langfuse.observation.usage_details#input_cached_tokens",),
            "cache_write_tokens": (
                "langfuse.observation.usage_details#input_cache_creation",
                "langfuse.observation.usage_details#input_cache_creation_5m",
                "langfuse.observation.usage_details#input_cache_creation_1h",
            ),
            "reasoning_tokens": ("langfuse.observation.usage_details#output_reasoning_tokens",),
        },
    ),
    Emitter(
        "OpenLIT",
        ("telemetry.sdk.name=openlit", "gen_ai.usage.cost"),
        "the conventions; of Anthropic without the cache; its cost",
        "Anthropic: the cache is added",
        ("openlit-openai", "openlit-anthropic", "openlit-anthropic-small-cache"),
    ),
    Emitter(
        "Strands",
        ("gen_ai.system=strands-agents",),
        "old and new names on one span; of Bedrock without the cache; itself as the provider",
        "taken once; Bedrock: the cache is added; provider from the model",
        ("strands-chat", "strands-openai"),
    ),
    Emitter(
        "Kong AI Gateway",
        ("span kong.gen_ai",),
        "no cache; a second span, with the same usage, for a call that asks for a tool",
        "the second span is no call",
        ("kong-chat",),
    ),
    Emitter(
        "Envoy AI Gateway",
        ("llm.token_count.prompt_details.cache_creation",),
        "OpenInference, with a name of its own for cache writes",
        "nothing",
        ("envoy-openinference",),
    ),
    Emitter(
        "Envoy, in the conventions",
        ("scope envoyproxy/ai-gateway", "gen_ai.provider.name=gcp.anthropic"),
        "of Anthropic without the cache",
        "Anthropic: the cache is added; providers' spellings",
        ("envoy-genai-openai", "envoy-genai-anthropic", "envoy-genai-vertex-anthropic"),
    ),
    Emitter(
        "Google ADK",
        ("gcp.vertex.agent.llm_request",),
        "output without thoughts; these and the cache in `llm_response`",
        "thoughts are added to exactly such an output; provider from the model",
        ("adk-call-llm", "adk-thoughts"),
        {
            "cache_read_tokens": (
                "gcp.vertex.agent.llm_response#usage_metadata.cached_content_token_count",
            ),
            "reasoning_tokens": (
                "gcp.vertex.agent.llm_response#usage_metadata.thoughts_token_count",
            ),
        },
    ),
    Emitter(
        "Genkit",
        ("genkit:metadata:subtype",),
        "JSON in `genkit:output`; the seller in the model's name",
        "read from there",
        ("genkit-gemini",),
        {
            "input_tokens": ("genkit:output#usage.inputTokens",),
            "output_tokens": ("genkit:output#usage.outputTokens",),
            "reasoning_tokens": ("genkit:output#usage.thoughtsTokens",),
        },
    ),
)
