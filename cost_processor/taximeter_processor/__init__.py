"""The cost processor: spans to usage, price, ledger, metrics and reports."""
