"""The disk of the embedded ledger is full, under load, and has room again."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path
from typing import Final

from taximeter_processor.ledger.duckdb_store import DuckDBStore
from tests.soak.disks import small_disk
from tests.soak.load import Load
from tests.soak.outage import endure
from tests.soak.scenario import Stage, judge
from tests.soak.scrapes import Scrapes
from tests.soak.site import running_site
from tests.support.records import call

DISK_MB: Final = 160
LONG_LOG_BYTES: Final = 59 << 20
"""At 64 MiB the engine moves its log into the file, for which `ROOM_BYTES` is not enough."""
ROOM_BYTES: Final = 8 << 20
OUT_SECONDS: Final = 3.0


def disk_full(stage: Stage) -> None:
    """Full as the log is moved into the file (first round), then as the log grows (all others)."""
    with small_disk(stage.directory / "disk", DISK_MB) as disk:
        ledger = disk.path / "ledger.duckdb"
        stored = _with_a_long_log(ledger, stage.draw)
        with (
            running_site(stage.directory, ledger=str(ledger)) as site,
            Load(site.processor.url, stage.seed, spans=400) as load,
            Scrapes(site.processor) as scrapes,
        ):
            load.note(stored)
            pid = site.processor.pid
            for number in range(stage.rounds):
                room = ROOM_BYTES if number == 0 else 0
                begin, end = partial(disk.fill, pid, room), partial(disk.free, pid)
                endure(stage, site, load, begin=begin, end=end, seconds=OUT_SECONDS)
                stage.done()
            load.finish()
            stage.figures["given_up"] = site.processor.log.read_text().count("is opened anew")
            judge(stage, site, load)
    stage.figures["disk"] = disk.how
    if disk.how == "tmpfs":
        stage.expect(stage.figures["given_up"] > 0, "the engine never gave its file up")
    stage.expect(not scrapes.falls, f"counters fell: {scrapes.falls[:3]}")


def _with_a_long_log(path: Path, draw: random.Random) -> list[str]:
    """The ids of calls that fill a ledger's log until it is about to be moved into the file."""
    store, ids = DuckDBStore(path), list[str]()
    log = Path(f"{path}.wal")
    now_us = time.time_ns() // 1000
    while not log.exists() or log.stat().st_size < LONG_LOG_BYTES:
        records = [
            call(
                draw.getrandbits(60),
                start_time=now_us - 2_000_000,
                end_time=now_us - 1_000_000,
                ingested_at=now_us,
                raw_usage=f"{draw.getrandbits(2_000):0500x}".ljust(4_000, "0"),
            )
            for _ in range(200)
        ]
        ids += [record.span_id for record in store.append(records)]
    store._writer.execute("pragma disable_checkpoint_on_shutdown")
    store.close()
    return ids
