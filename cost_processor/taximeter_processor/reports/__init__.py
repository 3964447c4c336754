"""Answers for people: tables and summaries made from named ledger reads."""
