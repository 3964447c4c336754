"""Turns what the user says about who pays into tags by span attribute name, checked."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from taximeter.attributes import MAX_TAG_LENGTH, TAGS
from taximeter_processor.errors import TaximeterError
from taximeter_processor.names import TAG_NAMES

Tags = Mapping[str, str]

_ATTRIBUTES: Final = dict(zip(TAG_NAMES, TAGS, strict=True))
_ID: Final = "custom_id"


def checked(values: Mapping[str, str | None], where: str) -> Tags:
    """Tag values by tag name; an absent or empty one is unset. Raises `ValueError` for a bad one.

    `where` begins the error's sentence.
    """
    for name, value in values.items():
        if value and (len(value) > MAX_TAG_LENGTH or not value.isprintable()):
            raise ValueError(
                f"{where}{name} is {value[:40]!r}: expected at most {MAX_TAG_LENGTH} "
                "printable characters"
            )
    return {_ATTRIBUTES[name]: value for name, value in values.items() if value}


def read_csv(path: Path) -> Mapping[str, Tags]:
    """Tags by `custom_id`, from a CSV file with that column and one for each tag it gives."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _rows(csv.DictReader(file, strict=True), path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TaximeterError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _rows(rows: csv.DictReader[str], path: Path) -> dict[str, Tags]:
    columns = rows.fieldnames or ()
    unknown = [name for name in columns if name not in (_ID, *TAG_NAMES)]
    if _ID not in columns or unknown:
        told = f"has the columns {', '.join(columns)}" if columns else "is empty"
        raise ValueError(f"{path} {told}: expected {_ID} and any of {', '.join(TAG_NAMES)}")
    found: dict[str, Tags] = {}
    for row in rows:
        where = f"{path}:{rows.line_num}: "
        custom_id = row.pop(_ID)
        if None in row or None in row.values() or not custom_id or custom_id in found:
            raise ValueError(f"{where}expected a {_ID} of its own and {len(columns)} cells")
        found[custom_id] = checked(row, where)
    return found
