"""The documented table of emitters is what the reader does, and every emitter has its proof."""

from __future__ import annotations

from typing import Any

import pytest

from taximeter_processor.ingest.dialects import MARKED
from taximeter_processor.model import Call
from tests.support.vectors import VECTORS, read_vector, span_of
from tests.taximeter_processor.ingest import emitters_table
from tests.taximeter_processor.ingest.emitters import EMITTERS, Emitter

BY_ID = {vector["id"]: vector for vector in VECTORS}
PROOFS = [(emitter, name) for emitter in EMITTERS for name in emitter.vectors]
# What one emitter writes and another one writes as well.
REPEATED = frozenset({"traceloop.span.kind", "ai.operationId", "litellm.provider.model"})

each_proof = pytest.mark.parametrize(
    ("emitter", "vector"),
    [(emitter, BY_ID[name]) for emitter, name in PROOFS],
    ids=[name for _, name in PROOFS],
)


def carries(vector: dict[str, Any], mark: str) -> bool:
    """The vector's span has a mark: an attribute, its value, its scope or its name."""
    kind, _, name = mark.partition(" ")
    if name:
        return bool({"scope": vector["scope"], "span": vector["span_name"]}[kind] == name)
    key, has_value, value = mark.partition("=")
    found = {**vector["resource"], **vector["attributes"]}
    return found.get(key) == value if has_value else key in found


def test_the_documented_table_is_what_is_read() -> None:
    assert emitters_table.PAGE.read_text() == emitters_table.page(), (
        "run: .venv/bin/python -m tests.taximeter_processor.ingest.emitters_table"
    )


@pytest.mark.parametrize("emitter", EMITTERS, ids=lambda emitter: emitter.name)
def test_an_emitter_has_a_mark_and_a_span_that_proves_its_row(emitter: Emitter) -> None:
    assert emitter.marks
    assert emitter.vectors


@each_proof
def test_a_proof_carries_a_mark_of_its_emitter(emitter: Emitter, vector: dict[str, Any]) -> None:
    assert any(carries(vector, mark) for mark in emitter.marks)


@each_proof
def test_a_proof_tells_its_counts_where_the_emitter_is_said_to_put_them(
    emitter: Emitter, vector: dict[str, Any]
) -> None:
    counts = emitters_table.told(emitter, span_of(vector))
    assert any(count != "–" for count in counts.values())


def test_every_call_among_the_spans_proves_one_row() -> None:
    calls = {vector["id"] for vector in VECTORS if vector["expect"]["priced"]}
    names = [name for _, name in PROOFS]
    assert sorted(names) == sorted(calls)


def test_every_dialect_that_is_marked_has_an_emitter() -> None:
    known = {mark.partition("=")[0] for emitter in EMITTERS for mark in emitter.marks}
    assert known | REPEATED >= set(MARKED)


def test_every_dialect_that_is_read_is_proved() -> None:
    calls = [found for _, name in PROOFS if isinstance(found := read_vector(BY_ID[name]), Call)]
    assert {call.dialect for call in calls} == {
        "adk", "genkit", "langfuse", "langsmith", "litellm", "logfire", "openinference", "otel",
        "taximeter", "vercel",
    }  # fmt: skip
