"""`taximeter` that kills itself right after the next commit of calls, before any answer."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from taximeter.__main__ import main
from taximeter_processor.ledger.duckdb_store import DuckDBStore

append = DuckDBStore.append


def append_and_die(store: DuckDBStore, *arguments: Any) -> Any:
    """The real commit, and then kill -9."""
    counted = append(store, *arguments)
    if counted:
        os.kill(os.getpid(), signal.SIGKILL)
    return counted


DuckDBStore.append = append_and_die  # type: ignore[method-assign, assignment]
sys.exit(main())
