"""Lines become bodies, and every line is accounted for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from taximeter_processor.importers import intake, openai_batch
from taximeter_processor.importers.intake import Intake, Options, Tally
from taximeter_processor.importers.lines import Line
from taximeter_processor.ingest.otlp import PROTOBUF, Decoder
from taximeter_processor.model import Span
from taximeter_processor.settings import Settings
from tests.taximeter_processor.importers.batches import (
    CHAT,
    CREATED_S,
    EMBEDDINGS,
    RESPONSE,
    openai_line,
)

NOON_US = 1_795_003_200_000_000
CHAT_PICO = 118_400_000


def take(*lines: bytes, options: Options | None = None) -> tuple[Tally, list[Span]]:
    taken = Intake(openai_batch.read, Settings(), options or Options())
    sent: list[Span] = []
    for body, spans in taken.bodies(numbered(lines)):
        decoded = Decoder().decode(body, PROTOBUF, NOON_US * 1000).spans
        assert len(decoded) == spans
        sent += decoded
    return taken.tally, sent


def numbered(lines: Iterable[bytes]) -> Iterable[Line]:
    for number, data in enumerate(lines, start=1):
        yield Line(Path("out.jsonl"), number, data, 0)


def test_a_call_is_sent_counted_and_priced_at_the_batch_tier() -> None:
    tally, sent = take(openai_line(CHAT))
    assert (tally.lines, tally.calls, tally.cost_pico) == (1, 1, CHAT_PICO)
    assert [span.start_ns for span in sent] == [CREATED_S * 10**9]


def test_a_call_without_a_price_is_counted_as_such() -> None:
    tally, _ = take(openai_line({**CHAT, "model": "atlas-7b-in-house"}))
    assert (tally.calls, tally.unpriced, tally.cost_pico) == (1, 1, 0)


def test_a_call_without_a_time_needs_one() -> None:
    tally, sent = take(openai_line(EMBEDDINGS))
    assert (tally.malformed, sent) == (1, [])
    assert tally.problems == ["out.jsonl:1: does not say when the call was made: give --at TIME"]
    _, (span,) = take(openai_line(EMBEDDINGS), options=Options(at_us=NOON_US))
    assert span.start_ns == NOON_US * 1000


def test_a_time_of_its_own_goes_before_the_given_one() -> None:
    _, (span,) = take(openai_line(CHAT), options=Options(at_us=NOON_US))
    assert span.start_ns == CREATED_S * 10**9


def test_the_more_particular_tag_wins() -> None:
    options = Options(
        {"taximeter.feature": "all", "taximeter.team": "all", "taximeter.tenant": "all"},
        {"request-1": {"taximeter.feature": "row"}},
    )
    metadata = {"taximeter_feature": "mine", "taximeter_team": "mine"}
    _, (span,) = take(openai_line({**RESPONSE, "metadata": metadata}), options=options)
    tags = [span.attributes[f"taximeter.{tag}"] for tag in ("feature", "team", "tenant")]
    assert tags == ["row", "mine", "all"]


def test_unanswered_and_repeated_lines_are_counted_and_not_sent() -> None:
    tally, sent = take(openai_line(CHAT), openai_line(CHAT), openai_line({}, status=500))
    assert (tally.lines, tally.calls, tally.repeated, tally.unanswered) == (3, 1, 1, {"500": 1})
    assert len(sent) == 1


def test_malformed_lines_are_counted_and_the_first_ones_named() -> None:
    tally, sent = take(*[b"secret"] * 7, openai_line(CHAT))
    assert (tally.malformed, len(sent)) == (7, 1)
    assert tally.problems == [f"out.jsonl:{number}: is no JSON" for number in range(1, 6)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"created": 4_000_000_000}, "would be refused: future"),
        ({"created": 0}, "would be refused: bad_time"),
        (
            {"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"audio_tokens": 9}}},
            "would be refused: ",
        ),
    ],
)
def test_what_the_service_would_refuse_is_malformed_and_stops_no_other_line(
    changes: dict[str, object], told: str
) -> None:
    tally, sent = take(openai_line({**CHAT, **changes}), openai_line(RESPONSE))
    assert (tally.malformed, len(sent)) == (1, 1)
    assert told in tally.problems[0]


def test_bodies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SPANS_A_BODY", 2)
    lines = [openai_line({**CHAT, "id": f"chatcmpl-{number}"}) for number in range(5)]
    taken = Intake(openai_batch.read, Settings(), Options())
    assert [spans for _, spans in taken.bodies(numbered(lines))] == [2, 2, 1]


def test_no_content_is_sent() -> None:
    taken = Intake(openai_batch.read, Settings(), Options())
    lines = [openai_line({**CHAT, "system_fingerprint": "a secret"}, custom_id="my secret")]
    for body, _ in taken.bodies(numbered(lines)):
        assert b"secret" not in body


def test_the_environment_may_name_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert take(openai_line(CHAT))[1][0].resource["service.name"] == "taximeter-import"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly")
    assert take(openai_line(CHAT))[1][0].resource["service.name"] == "nightly"


def test_text_that_cannot_be_encoded_harms_nothing() -> None:
    metadata = {"taximeter_feature": "\ud800"}
    tally, sent = take(
        openai_line({**RESPONSE, "id": None, "metadata": metadata}, custom_id="\ud800"),
        openai_line({**CHAT, "model": "\ud800", "id": "\ud800"}),
    )
    assert (tally.calls, len(sent)) == (2, 2)
    assert "taximeter.feature" not in sent[0].attributes
