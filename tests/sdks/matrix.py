"""Turns the environments of `requirements/sdks/` into results: what came of each scenario."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.sdks.scenario import Given

ROOT = Path(__file__).parents[2]
ENVIRONMENTS: Mapping[str, tuple[str, ...]] = {
    "newest": (
        "openai",
        "anthropic",
        "google_genai",
        "mistralai",
        "groq",
        "cohere",
        "ollama",
        "boto3",
    ),
    "newest-aiohttp": ("openai", "google_genai", "cohere"),
    "aws": ("boto3", "aiobotocore"),
    "litellm": ("litellm",),
    "frameworks": ("langchain_openai", "llama_index", "pydantic_ai", "openai_agents"),
    "previous": ("openai", "anthropic", "google_genai", "mistralai", "cohere"),
    "oldest": (
        "openai",
        "anthropic",
        "mistralai",
        "groq",
        "cohere",
        "ollama",
        "boto3",
    ),
    "oldest-google": ("google_genai",),
}
"""The SDKs that are tried in each environment, by the names of their scenarios' modules."""
RUNS = [(environment, sdk) for environment, sdks in ENVIRONMENTS.items() for sdk in sdks]
SETTINGS = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""Keeps LiteLLM from fetching its prices."""
MOST_SECONDS = 300


@dataclass(frozen=True)
class Played:
    """A scenario once without and once with Taximeter."""

    name: str
    feature: str
    given: tuple[Given, ...]
    without: Mapping[str, Any]
    metered: Mapping[str, Any]
    stats: Mapping[str, int]

    @property
    def spans(self) -> list[dict[str, Any]]:
        spans: list[dict[str, Any]] = self.metered["spans"]
        return spans


@dataclass(frozen=True)
class Run:
    """All scenarios of one SDK in one environment."""

    distribution: str
    version: str
    played: tuple[Played, ...]


@cache
def run(environment: str, sdk: str) -> Run:
    """Play an SDK's scenarios in a process of that environment, once a session."""
    python = ROOT / ".build" / "sdks" / environment / "bin" / "python"
    assert python.exists(), f"no environment {environment}: run scripts/install-sdks {environment}"
    command = [str(python), "-m", "tests.sdks.run", sdk]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**SETTINGS, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, f"{' '.join(command)} failed:\n{ended.stderr[-4000:]}"
    about, *lines = map(json.loads, ended.stdout.splitlines())
    return Run(about["distribution"], about["version"], tuple(map(_played, lines)))


def _played(line: Mapping[str, Any]) -> Played:
    given = tuple(Given(**item) for item in line["given"])
    return Played(
        line["name"], line["feature"], given, line["without"], line["with"], line["stats"]
    )
