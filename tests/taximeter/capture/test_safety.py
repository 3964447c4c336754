"""Nothing of ours reaches the application, and nothing the application says reaches a span."""

from __future__ import annotations

import json
import logging

import httpx2
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import taximeter
from taximeter import faults
from taximeter.capture import attempt
from tests.taximeter.conftest import Spans
from tests.taximeter.replay import Answer, ReplayServer, recording


def test_an_answer_that_is_no_json_is_counted_and_passed_on(
    server: ReplayServer, metered: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    page = Answer([b"<html>secret words"], content_type="text/html")
    server.answers.extend([page] * 3)
    with httpx2.Client() as client, caplog.at_level(logging.WARNING, "taximeter"):
        for _ in range(3):
            answered = client.post(f"{server.url}/chat/completions", json={})
            assert answered.text == "<html>secret words"
    assert faults.counts() == {"unreadable response": 3}
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
    missing = [(span.attributes or {})["taximeter.usage_status"] for span in metered.all()]
    assert missing == ["missing"] * 3


MARK = "cOnTeNt"
marked = st.text(max_size=30).map(lambda words: f"{MARK}{words}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=marked, words=marked, key=st.from_regex(r"cOnTeNt[!-~]{0,20}", fullmatch=True))
@pytest.mark.parametrize("is_stream", [False, True])
def test_no_prompt_no_completion_and_no_header_is_ever_on_a_span(
    spans: Spans, prompt: str, words: str, key: str, is_stream: bool
) -> None:
    message = {"role": "assistant", "content": words, "refusal": words, "tool_calls": None}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "delta": message}
    said = {"id": "1", "object": "x", "created": 1, "model": "m", "choices": [choice]}
    body = json.dumps({**said, "usage": {"prompt_tokens": 1, words: words}})
    wire = f"data: {body}\n\ndata: [DONE]\n\n" if is_stream else body
    headers = {
        "content-type": "text/event-stream" if is_stream else "application/json",
        "x-request-id": key,
    }
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, text=wire, headers=headers)
    )
    taximeter.instrument(tracer_provider=spans.provider)
    with openai.OpenAI(api_key=key, http_client=httpx2.Client(transport=transport)) as client:
        made = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": prompt}], user=prompt, stream=is_stream
        )
        assert list(made)
    taximeter.uninstrument()
    assert MARK not in "".join(span.to_json() for span in spans.all())


def test_a_provider_s_error_message_is_not_on_the_span(
    server: ReplayServer, metered: Spans
) -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key: {MARK}", "code": MARK + " no"}})
    server.answers.append(Answer([body.encode()], status=401))
    with httpx2.Client() as client:
        client.post(f"{server.url}/chat/completions", json={"model": "m"})
    span = metered.one()
    assert (span.attributes or {})["error.type"] == "401"
    assert MARK not in span.to_json()


def test_many_aborted_streams_leave_nothing_behind(server: ReplayServer, metered: Spans) -> None:
    body = recording("openai-chat-stream-usage").body
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, stream=httpx2.ByteStream(body))
    )
    with httpx2.Client(transport=transport) as client:
        for number in range(500):
            with client.stream("POST", "https://api.openai.com/v1/responses", json={}) as response:
                if number % 2:
                    next(response.iter_raw())
            del response
    assert len(metered.all()) == 500
    assert attempt.open_count() == 0
