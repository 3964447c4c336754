"""The tables that remember what was taken out of the ledger: pruned rows and forgotten names."""

from __future__ import annotations


def create_upkeep(text: str, time: str) -> str:
    """SQL for both engines, given how they spell text and time.

    `horizon` has one row once something was pruned: when it was, and where the ledger begins since.
    """
    return f"""
    create table horizon (start_time {time} not null, pruned_at {time} not null);
    create table carried (
      writer {text} not null, family {text} not null, labels {text} not null, key {text} not null,
      amount decimal(38,0) not null, born {time} not null,
      primary key (writer, family, labels, key)
    );
    create table erasures (
      erased_at {time} not null, calls bigint not null, first_counted bigint not null,
      duplicates bigint not null
    );
    """
