"""The cost processor: spans to usage, price, ledger, metrics and reports."""

from taximeter import __version__

__all__ = ["__version__"]
