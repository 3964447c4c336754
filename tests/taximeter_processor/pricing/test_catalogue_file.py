"""A catalogue in a file prices as the one it was written from."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor.errors import ConfigError
from taximeter_processor.pricing.book import PriceBook
from taximeter_processor.pricing.catalogue import Catalogue
from taximeter_processor.pricing.show import describe
from taximeter_processor.pricing.timeline import moment
from tests.taximeter_processor.pricing.calls import ask, us


@pytest.mark.parametrize("at", ["2024-06-01T12:00:00", "2026-11-20T07:15:00"])
def test_a_pinned_catalogue_has_every_price_of_the_installed_one(
    book: PriceBook, tmp_path: Path, at: str
) -> None:
    path = tmp_path / "prices.json"
    book.catalogue.write(path)
    pinned = PriceBook(Catalogue.read(path))
    assert pinned.version == book.version
    names = [label.partition("/") for label, _ in book.catalogue.labels()]
    for provider, _, model in names[::7]:
        for tier in ("standard", "batch", "flex", "fast"):
            theirs = describe(book, provider, model, moment(us(at)), tier)
            assert describe(pinned, provider, model, moment(us(at)), tier) == theirs


def test_the_array_that_the_library_publishes_is_a_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(
        '[{"id": "ours", "name": "Ours", "api_pattern": "x", "models": '
        '[{"id": "m", "match": {"or": [{"equals": "m"}]}, "prices": {"input_mtok": 0.1}}]}]'
    )
    published = PriceBook(Catalogue.read(path))
    assert published.version.startswith("genai-prices/file:")
    # $0.10 a million is 100,000 pico-USD a token: the number as written, not as a binary float.
    priced = ask(published, "m", provider="ours", input=1)
    assert getattr(priced, "cost_pico", None) == 100_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected the provider array"),
        ("{}", "'providers'"),
        ('[{"id": "ours"}]', "validation error"),
        ("3", "expected the provider array"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        Catalogue.read(path)


def test_a_file_that_is_not_there_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="taximeter prices update"):
        Catalogue.read(tmp_path / "none.json")
