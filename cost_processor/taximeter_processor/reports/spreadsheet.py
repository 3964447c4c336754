"""Rows of a read as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

# A cell that begins with one of these would be run as a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """RFC 4180 text with a header line; text that looks like a formula is quoted with `'`."""
    if not rows:
        return ""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(rows[0].keys())
    for row in rows:
        writer.writerow([safe_cell(value) for value in row.values()])
    return output.getvalue()


def safe_cell(value: object) -> object:
    """The value, with a leading `'` where a spreadsheet would run it; numbers are left alone."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
