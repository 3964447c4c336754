"""Turns the emitters and their spans, really read, into the table in `docs/emitters.md`.

python -m tests.taximeter_processor.ingest.emitters_table
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from taximeter_processor.ingest.dialects.base import usage_of
from taximeter_processor.ingest.raw_usage import raw_usage
from taximeter_processor.model import Call, Span
from tests.support.vectors import VECTORS, read_vector, span_of
from tests.taximeter_processor.ingest.emitters import EMITTERS, Emitter

PAGE: Final = Path(__file__).parents[3] / "docs" / "emitters.md"
BEGIN: Final = "<!-- Written by python -m tests.taximeter_processor.ingest.emitters_table -->\n"
END: Final = "<!-- End of the table -->\n"
FIELDS: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)
_HEAD: Final = ("emitter", "known by", "what it counts", "what is corrected", "span")
_BY_ID: Final = {vector["id"]: vector for vector in VECTORS}


def table() -> str:
    """All rows, in Markdown."""
    rows = (row for emitter in EMITTERS for row in _rows(emitter))
    lines = [_row([*_HEAD, "as told", "as read"]), "|" + "---|" * (len(_HEAD) + 2), *rows]
    return "\n".join([*lines, ""])


def page() -> str:
    """The document with the table as it is now."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]


def told(emitter: Emitter, span: Span) -> dict[str, str]:
    """The counts as they stand on a span; parts that do not overlap are joined by a plus sign."""
    raw, plain = raw_usage(span.attributes), usage_of(span.attributes)._asdict()
    inside = {
        field: "+".join(str(raw[place]) for place in places if place in raw)
        for field, places in emitter.inside.items()
    }
    return {
        field: inside.get(field) or ("–" if plain[field] is None else str(plain[field]))
        for field in FIELDS
    }


def _rows(emitter: Emitter) -> Iterator[str]:
    cells = [emitter.name, _known_by(emitter), emitter.counts, emitter.corrected]
    for name in emitter.vectors:
        yield _row([*cells, f"`{name}`", *_numbers(emitter, _BY_ID[name])])
        cells = [""] * len(cells)


def _known_by(emitter: Emitter) -> str:
    kinds = (mark.partition(" ") for mark in emitter.marks)
    return ", ".join(f"{kind} `{name}`" if name else f"`{kind}`" for kind, _, name in kinds)


def _numbers(emitter: Emitter, vector: dict[str, Any]) -> tuple[str, str]:
    """What the span says and what it is read as; what differs is bold."""
    call = read_vector(vector)
    assert isinstance(call, Call), call
    before = told(emitter, span_of(vector))
    after = {field: getattr(call.usage, field) for field in FIELDS}
    shown = {field: "–" if count is None else str(count) for field, count in after.items()}
    marked = (
        shown[field] if shown[field] == before[field] else f"**{shown[field]}**" for field in FIELDS
    )
    return " / ".join(before.values()), " / ".join(marked)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page())
