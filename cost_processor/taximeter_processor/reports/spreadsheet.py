"""Rows of a read as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

# A cell that begins with one of these would be run as a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


def to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """RFC 4180 text with a header line; text that looks like a formula is quoted with `'`.

    `columns` is the header where there are no rows.
    """
    output = io.StringIO()
    writer = csv.writer(output)
    if header := list(rows[0]) if rows else list(columns):
        writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row.values()])
    return output.getvalue()


def safe_cell(value: object) -> object:
    """The value, with a leading `'` where a spreadsheet would run it; numbers are left alone."""
    if (
        isinstance(value, str)
        and value.startswith(_FORMULA_STARTS)
        and not _NUMBER.fullmatch(value)
    ):
        return f"'{value}"
    return value
