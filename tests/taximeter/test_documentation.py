"""The documentation names everything there is."""

from __future__ import annotations

from pathlib import Path

from taximeter import attributes, propagation
from taximeter.settings import VARIABLES

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "instrumentation.md").read_text()


def test_every_environment_variable_is_documented() -> None:
    assert [name for name in VARIABLES if f"`{name}`" not in TEXT] == []


def test_every_header_is_documented() -> None:
    text = (DOCS / "tags.md").read_text()
    assert [name for name in propagation.HEADERS.values() if f"`{name}`" not in text] == []


def test_every_attribute_of_our_own_is_documented() -> None:
    own = {value for name, value in vars(attributes).items() if name.isupper()} - {
        attributes.TAGS,
        attributes.MAX_TAG_LENGTH,
        attributes.SCOPE_NAME,
        attributes.SCHEMA_URL,
        attributes.CACHE_HIT,  # written where a response cache is, not where a client is
    }
    assert [name for name in own if name.startswith("taximeter.") and f"`{name}`" not in TEXT] == []
