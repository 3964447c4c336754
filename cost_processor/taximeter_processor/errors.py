"""Every error the processor raises on purpose.

TaximeterError
├── ConfigError         the configuration is wrong: file, line, key, value, expected
├── BadRequest          a body that will never be accepted: carries the HTTP status
├── Overloaded          try again later: HTTP 503 with Retry-After
└── LedgerError         the ledger cannot be opened, read or committed
    └── LedgerBusy      another process owns it
"""

from __future__ import annotations


class TaximeterError(Exception):
    """Base of every deliberate error."""


class ConfigError(TaximeterError):
    """The configuration cannot be used."""


class BadRequest(TaximeterError):
    """A request that no retry will make acceptable."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Overloaded(TaximeterError):
    """The service cannot take more now; the client should send the same bytes again."""

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class LedgerError(TaximeterError):
    """The ledger cannot be opened, read or written."""


class LedgerBusy(LedgerError):
    """Another process owns the ledger file or the writer's name."""
