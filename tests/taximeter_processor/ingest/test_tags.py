"""Where each emitter puts what becomes feature, tenant, team and request type, and which wins."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from taximeter_processor.ingest.calls import CallReader
from taximeter_processor.ingest.otlp import JSON, Decoder
from taximeter_processor.model import Call
from tests.support.otlp import NOW_NS, json_body, json_span
from tests.taximeter_processor.ingest.reading import call_of

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 9,
    "gen_ai.usage.output_tokens": 4,
}
PREFIXES = (
    "traceloop.association.properties.",
    "ai.telemetry.metadata.",
    "ai.settings.context.",
    "langfuse.trace.metadata.",
    "langfuse.observation.metadata.",
    "langsmith.metadata.",
    "litellm.metadata.",
    "metadata.",
)
FEATURE = (
    "taximeter.feature",
    "gen_ai.workflow.name",
    "traceloop.workflow.name",
    "ai.telemetry.functionId",
    "gen_ai.agent.name",
    "gen_ai.prompt.name",
    "traceloop.association.properties.feature",
    "metadata.feature",
    "traceloop.entity.path",
)
TENANT = (
    "taximeter.tenant",
    "tenant.id",
    "litellm.metadata.user_api_key_org_id",
    "metadata.user_api_key_org_id",
    "langfuse.trace.metadata.tenant",
    "ai.telemetry.metadata.tenant_id",
    "ai.telemetry.metadata.tenantId",
    "langsmith.metadata.customer_id",
)
TEAM = (
    "taximeter.team",
    "team.name",
    "team.id",
    "litellm.team.alias",
    "litellm.team.id",
    "metadata.user_api_key_team_alias",
    "metadata.user_api_key_team_id",
    "metadata.team",
)
LISTS = {"feature": FEATURE, "tenant": TENANT, "team": TEAM}
EACH = [(tag, key) for tag, keys in LISTS.items() for key in keys]
PAIRS = [(tag, *pair) for tag, keys in LISTS.items() for pair in pairwise(keys)]


@pytest.mark.parametrize(("tag", "key"), EACH)
def test_a_tag_is_read_under_each_of_its_names(tag: str, key: str) -> None:
    assert getattr(call_of({**CALL, key: "acme"}), tag) == "acme"


@pytest.mark.parametrize(("tag", "first", "second"), PAIRS)
def test_of_two_names_the_earlier_one_wins(tag: str, first: str, second: str) -> None:
    assert getattr(call_of({**CALL, second: "later", first: "earlier"}), tag) == "earlier"


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("key", "tag"),
    [
        ("feature", "feature"),
        ("tenant", "tenant"),
        ("tenant_id", "tenant"),
        ("customer_id", "tenant"),
        ("team", "team"),
        ("request_type", "request_type"),
    ],
)
def test_every_emitter_s_metadata_holds_tags(prefix: str, key: str, tag: str) -> None:
    assert getattr(call_of({**CALL, prefix + key: "acme"}), tag) == "acme"


@pytest.mark.parametrize("attribute", ["metadata", "litellm.team.metadata"])
@pytest.mark.parametrize(
    ("metadata", "tags"),
    [
        ('{"tenant": "acme", "feature": "search", "team": "growth"}', ("search", "acme", "growth")),
        ('{"tenant_id": 42}', ("", "42", "")),
        ('{"customer_id": "acme", "tenant": "globex"}', ("", "globex", "")),
        ('{"user_api_key_org_id": "org", "tenant": "globex"}', ("", "org", "")),
        ("{'tenant': 'acme'}", ("", "acme", "")),
        ('{"tenant": null, "team": ["a"], "feature": {"a": 1}}', ("", "", "")),
        ('{"tenant": ""}', ("", "", "")),
        ('["tenant"]', ("", "", "")),
        ("tenant=acme", ("", "", "")),
        ("[" * 9000, ("", "", "")),
        (json.dumps({"tenant": "x" * 129}), ("", "", "")),
    ],
)
def test_metadata_in_json_holds_tags(
    attribute: str, metadata: str, tags: tuple[str, str, str]
) -> None:
    call = call_of({**CALL, attribute: metadata})
    assert (call.feature, call.tenant, call.team) == tags


def test_an_attribute_of_its_own_beats_the_metadata_and_both_beat_a_path() -> None:
    told = {"metadata": '{"tenant": "json", "feature": "json"}', "tenant.id": "own"}
    call = call_of({**CALL, **told, "traceloop.entity.path": "task.path"})
    assert (call.tenant, call.feature) == ("own", "json")


def test_what_cannot_be_a_tag_gives_way_to_the_next_name() -> None:
    assert call_of({**CALL, "taximeter.team": "a\nb", "team.name": "growth"}).team == "growth"


@pytest.mark.parametrize(
    ("parent", "tags"),
    [
        (
            {"gen_ai.operation.name": "invoke_agent", "metadata": '{"tenant": "acme"}'},
            ("", "acme", ""),
        ),
        (
            {
                "traceloop.span.kind": "workflow",
                "traceloop.workflow.name": "joke_creation",
                "traceloop.association.properties.tenant": "acme",
            },
            ("joke_creation", "acme", ""),
        ),
        (
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.system": "strands-agents",
                "gen_ai.agent.name": "Helper",
                "tenant.id": "acme",
                "team.name": "growth",
            },
            ("Helper", "acme", "growth"),
        ),
        ({"ai.operationId": "ai.generateText", "ai.telemetry.functionId": "f"}, ("f", "", "")),
        (
            {"openinference.span.kind": "CHAIN", "metadata": '{"feature": "search"}'},
            ("search", "", ""),
        ),
        ({"langfuse.trace.metadata.team": "growth"}, ("", "", "growth")),
        ({"litellm.team.alias": "growth", "litellm.team.id": "t-1"}, ("", "", "growth")),
    ],
    ids=["pydantic-ai", "openllmetry", "strands", "vercel", "openinference", "langfuse", "litellm"],
)
def test_a_call_has_the_tags_of_what_surrounds_it(
    parent: dict[str, Any], tags: tuple[str, str, str]
) -> None:
    outer = json_span(1, parent)
    inner = json_span(2, CALL, traceId=f"{1:032x}", parentSpanId=f"{1:016x}")
    spans = Decoder().decode(json_body(inner, outer, scope="x"), JSON, NOW_NS).spans
    call = next(CallReader().read_all(spans))
    assert isinstance(call, Call)
    assert (call.feature, call.tenant, call.team) == tags


@pytest.mark.parametrize(
    ("resource", "tags"),
    [
        ({"taximeter.team": "growth"}, ("", "", "growth")),
        ({"tenant.id": "acme", "team.name": "growth"}, ("", "acme", "growth")),
        ({"service.namespace": "platform"}, ("", "", "platform")),
        ({"service.namespace": "platform", "team.id": "growth"}, ("", "", "growth")),
    ],
)
def test_the_resource_is_the_last_to_be_asked(
    resource: dict[str, Any], tags: tuple[str, str, str]
) -> None:
    call = call_of(CALL, resource=resource)
    assert (call.feature, call.tenant, call.team) == tags
    assert call_of({**CALL, "team.name": "own"}, resource=resource).team == "own"


@pytest.mark.parametrize(
    ("attributes", "resource", "service", "environment"),
    [
        ({}, {"service.name": "api"}, "api", ""),
        ({"gen_ai.application_name": "lit"}, {"service.name": "api"}, "api", ""),
        ({"gen_ai.application_name": "lit"}, {"host.name": "h"}, "lit", ""),
        ({"gen_ai.environment": "prod"}, {"service.name": "api"}, "api", "prod"),
        ({"langfuse.environment": "production"}, {"service.name": "api"}, "api", "production"),
        ({"deployment.environment": "prod"}, {"service.name": "api"}, "api", "prod"),
        (
            {"deployment.environment": "dev"},
            {"service.name": "api", "deployment.environment.name": "prod"},
            "api",
            "prod",
        ),
    ],
)
def test_service_and_environment_are_the_resource_s_or_else_the_span_s(
    attributes: dict[str, Any], resource: dict[str, Any], service: str, environment: str
) -> None:
    call = call_of({**CALL, **attributes}, resource=resource)
    assert (call.service, call.environment) == (service, environment)
