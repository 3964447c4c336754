"""Turns records into the text that PostgreSQL's COPY reads, a whole batch at a time.

One formatting operation a row; only a batch that holds a character COPY gives a meaning to is
escaped value by value. Money travels as `236800000e-12`, an exact number of dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from taximeter_processor.ledger.postgres_types import TEXT, TYPES
from taximeter_processor.ledger.record import COLUMNS, NULLABLE, Kind

_EXTRA: Final = (
    ("kind", f"{TEXT} not null default 'counted'"),
    ("reason", TEXT),
    ("at", "bigint"),
    ("of_trace_id", TEXT),
    ("of_span_id", TEXT),
    ("of_start_time", "bigint"),
)
_NAMES: Final = ", ".join(name for name, _ in COLUMNS)
_NULL: Final = "None"


def _staged(name: str, kind: Kind) -> str:
    if kind == "time" or (kind == "money" and name in NULLABLE):
        return "numeric" if kind == "money" else "bigint"
    return TYPES[kind]


CREATE_BATCH: Final = (
    f"create temporary table batch ({', '.join(f'{name} {type_}' for name, type_ in _EXTRA)}, "
    f"{', '.join(f'{name} {_staged(name, kind)}' for name, kind in COLUMNS)}) on commit delete rows"
)
"""Rows on their way in: what is to become of each, why, when (µs), and which call it tells of."""
COPY_COUNTED: Final = f"copy batch ({_NAMES}) from stdin (null '{_NULL}')"
COPY_OTHERS: Final = (
    f"copy batch ({', '.join(name for name, _ in _EXTRA)}, {_NAMES}) from stdin (null '{_NULL}')"
)


def staged(name: str, kind: Kind) -> str:
    """SQL for a column of `batch` as the ledger's tables hold it."""
    if kind == "time":
        return f"make_timestamp(batch.{name})"
    if kind == "money" and name in NULLABLE:
        return f"batch.{name} * 0.000000000001"
    return f"batch.{name}"


def _format(name: str, kind: Kind) -> str:
    return "%se-12" if kind == "money" and name not in NULLABLE else "%s"


_ROW: Final = "\t".join(_format(name, kind) for name, kind in COLUMNS)
_WIDE_ROW: Final = "\t".join(["%s"] * len(_EXTRA) + [_ROW])
_ESCAPES: Final = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\N{REPLACEMENT CHARACTER}"}
)


def counted_text(records: Sequence[tuple[Any, ...]]) -> bytes:
    """Records for `COPY_COUNTED`."""
    return _text(_ROW, records, len(COLUMNS))


def others_text(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Records behind the six values that say what is to become of them, for `COPY_OTHERS`."""
    return _text(_WIDE_ROW, rows, len(_EXTRA) + len(COLUMNS))


def _text(row: str, values: Sequence[tuple[Any, ...]], width: int) -> bytes:
    text = "\n".join([row % value for value in values])
    if not _is_plain(text, len(values), width) or any(_NULL in value for value in values):
        text = "\n".join([row % tuple(map(_escaped, value)) for value in values])
    # What is no text, such as half of a surrogate pair, no encoding could keep.
    return text.encode("utf-8", "replace")


def _is_plain(text: str, rows: int, width: int) -> bool:
    """No value holds a separator, an escape or a NUL."""
    return (
        text.count("\t") == rows * (width - 1)
        and text.count("\n") == max(rows - 1, 0)
        and "\\" not in text
        and "\r" not in text
        and "\0" not in text
    )


def _escaped(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value == _NULL:
        return f"\\{value}"
    return value.translate(_ESCAPES)
