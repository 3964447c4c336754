"""An ordinary application: the openai SDK, one line of Taximeter, tags, and planned calls.

usage: openai_app.py BASE_URL KIND:FEATURE:TEAM:TENANT:REQUEST_TYPE:COUNT ...
"""

from __future__ import annotations

import sys

import openai

import taximeter

taximeter.instrument()


def run(client: openai.OpenAI, kind: str) -> None:
    if kind == "embeddings":
        client.embeddings.create(model="text-embedding-3-small", input="Hello world")
    elif kind == "stream":
        with client.chat.completions.create(
            model="gpt-5-mini",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        ) as chunks:
            for _ in chunks:
                pass
    else:
        client.chat.completions.create(
            model="gpt-4.1", messages=[{"role": "user", "content": "Hi"}]
        )


def main(base_url: str, *plans: str) -> None:
    client = openai.OpenAI(base_url=base_url, api_key="sk-test")
    for plan in plans:
        kind, feature, team, tenant, request_type, times = plan.split(":")
        with taximeter.tags(feature=feature, team=team, tenant=tenant, request_type=request_type):
            for _ in range(int(times)):
                run(client, kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
