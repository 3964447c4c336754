"""An ordinary FastAPI application that calls the real openai SDK, metered by one line.

Set `OPENAI_API_KEY`, `TAXIMETER_ENDPOINT` and, for another server than OpenAI's, `OPENAI_BASE_URL`:

    uvicorn taximeter_processor.demo.example_app:app
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import openai
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

import taximeter
from taximeter.asgi import TaximeterMiddleware

taximeter.instrument()

CHEAP_MODEL: Final = os.environ.get("EXAMPLE_CHEAP_MODEL")
"""Replaces every chat model: set it where the answers cost real money."""
MOST_OUTPUT_TOKENS: Final = 2_000

SUPPORT_PROMPT: Final = "You answer customers of a shop, briefly and kindly. " + " ".join(
    f"Rule {number}: when a customer asks about matter {number}, quote paragraph {number}."
    for number in range(1, 81)
)
"""Long and always the same, so that providers cache it."""


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Send what was metered before the process ends."""
    yield
    taximeter.flush()


app = FastAPI(title="Example application", lifespan=lifespan)
# Tenant and team come from the gateway in front of us; TAXIMETER_TRUSTED_PEERS says where it is.
app.add_middleware(TaximeterMiddleware)

asynchronous = openai.AsyncOpenAI()
synchronous = openai.OpenAI()


class Question(BaseModel):
    """What somebody asks."""

    text: str


@app.get("/healthz")
async def healthz() -> str:
    """Whether the application is up."""
    return "ok"


@app.post("/support")
@taximeter.tags(feature="support-chat", request_type="interactive")
async def support(question: Question) -> str:
    """A chat completion behind a long, cacheable prompt."""
    completion = await asynchronous.chat.completions.create(
        model=CHEAP_MODEL or "gpt-4.1",
        max_completion_tokens=MOST_OUTPUT_TOKENS,
        messages=[
            {"role": "system", "content": SUPPORT_PROMPT},
            {"role": "user", "content": question.text},
        ],
    )
    return completion.choices[0].message.content or ""


@app.post("/search")
def search(question: Question) -> int:
    """Embeddings from the synchronous client, in a thread; tells how many numbers came back."""
    with taximeter.tags(feature="search", request_type="interactive"):
        found = synchronous.embeddings.create(model="text-embedding-3-small", input=question.text)
    return len(found.data[0].embedding)


@app.post("/summarise")
@taximeter.tags(feature="summarise", request_type="interactive")
async def summarise(question: Question) -> StreamingResponse:
    """A streamed completion, passed on as it comes."""
    stream = await asynchronous.chat.completions.create(
        model=CHEAP_MODEL or "gpt-5-mini",
        max_completion_tokens=MOST_OUTPUT_TOKENS,
        messages=[{"role": "user", "content": f"Summarise in two sentences:\n{question.text}"}],
        stream=True,
        stream_options={"include_usage": True},
    )

    async def pieces() -> AsyncIterator[str]:
        async for chunk in stream:
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""

    return StreamingResponse(pieces(), media_type="text/plain")


@app.post("/agent")
@taximeter.tags(feature="agent", request_type="agent")
async def agent(question: Question) -> str:
    """Two steps with the Responses API: plan, then act on the plan."""
    model = CHEAP_MODEL or "gpt-5"
    plan = await asynchronous.responses.create(
        model=model,
        instructions="Write a short plan.",
        input=question.text,
        max_output_tokens=MOST_OUTPUT_TOKENS,
    )
    done = await asynchronous.responses.create(
        model=model,
        instructions="Carry out this plan.",
        input=plan.output_text,
        max_output_tokens=MOST_OUTPUT_TOKENS,
    )
    return done.output_text
