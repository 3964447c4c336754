"""Prometheus metrics: counters that follow the ledger's rows, gauges that read it."""
