"""The sources of calls that were made without a span: which name on the command line reads what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from taximeter_processor.importers import anthropic_batch, openai_batch
from taximeter_processor.importers.answers import Answer, NoAnswer


class Source(NamedTuple):
    """One kind of file."""

    read: Callable[[bytes], Answer | NoAnswer]
    """What one line says. Raises `BadLine` if it says nothing that can be understood."""
    describes: str


SOURCES: Final[dict[str, Source]] = {
    "openai-batch": Source(openai_batch.read, "output files of OpenAI's Batch API"),
    "anthropic-batch": Source(anthropic_batch.read, "results of Anthropic's Message Batches API"),
}
