"""The types PostgreSQL keeps the ledger's columns in."""

from __future__ import annotations

from typing import Final

from taximeter_processor.ledger.record import Kind

TEXT: Final = 'text collate "C"'
"""Compared by its bytes, as in the embedded ledger, whatever the database's own order is."""
MONEY: Final = "numeric(24,12)"
TYPES: Final[dict[Kind, str]] = {
    "text": TEXT,
    "json": TEXT,
    "time": "timestamptz",
    "count": "bigint",
    "money": MONEY,
    "flag": "boolean",
}
