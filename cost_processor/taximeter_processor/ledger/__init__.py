"""The ledger: every priced call, once, exactly; the truth that counters and reports follow."""
