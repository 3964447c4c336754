"""Tags as the user gives them: on the command line and by request in a CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest

from taximeter_processor.errors import TaximeterError
from taximeter_processor.importers.tags import checked, read_csv


def write(path: Path, text: str) -> Path:
    file = path / "tags.csv"
    file.write_text(text)
    return file


def test_given_values_become_attributes_and_absent_ones_do_not() -> None:
    given = {"feature": "digest", "tenant": None, "team": "", "request_type": "nightly"}
    assert checked(given, "--") == {
        "taximeter.feature": "digest",
        "taximeter.request_type": "nightly",
    }


@pytest.mark.parametrize("value", ["x" * 129, "a\nb"])
def test_a_value_that_is_no_tag_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="--feature is .*: expected at most 128 printable"):
        checked({"feature": value}, "--")


def test_a_csv_file_gives_tags_by_custom_id(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufefftenant,custom_id,team\nacme,a,growth\n,b,\n")
    assert read_csv(path) == {
        "a": {"taximeter.tenant": "acme", "taximeter.team": "growth"},
        "b": {},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: expected custom_id and any of feature, tenant"),
        ("id,team\na,b\n", "has the columns id, team: expected custom_id"),
        ("custom_id,colour\na,b\n", "has the columns custom_id, colour: expected"),
        ("custom_id,team\na,b,c\n", ":2: expected a custom_id of its own and 2 cells"),
        ("custom_id,team\na\n", ":2: expected a custom_id of its own"),
        ("custom_id,team\n,b\n", ":2: expected a custom_id of its own"),
        ("custom_id,team\na,b\na,c\n", ":3: expected a custom_id of its own"),
        ("custom_id,team\na,\x07\n", ":2: team is "),
    ],
)
def test_a_wrong_file_is_told_where_and_what_was_expected(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaximeterError, match="absent.csv: No such file"):
        read_csv(tmp_path / "absent.csv")
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"custom_id,team\na,\xe9\n")
    with pytest.raises(TaximeterError, match="latin.csv: "):
        read_csv(latin)
