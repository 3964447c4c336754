"""What scenarios load and break: a processor on either ledger, a Collector before it."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import duckdb

from tests.support.collector import CONFIG, Collector
from tests.support.servers import Postgres, Processor

Engine = Literal["duckdb", "postgresql"]

# A processor that is killed every few seconds must find its load again at once.
_IMPATIENT = "exporters: {otlp_http/taximeter: {retry_on_failure: {max_interval: 1s}}}\n"
_SPAN_IDS = "select span_id from calls union all select span_id from duplicates"


class Site:
    """One processor, its ledger, and the PostgreSQL server if that is where the ledger is."""

    def __init__(
        self, directory: Path, postgres: Postgres | None, settings: Mapping[str, Any]
    ) -> None:
        self.directory = directory
        self._postgres = postgres
        self._database = None if postgres is None else postgres.new_database()
        chosen = {} if self._database is None else {"ledger": self._database}
        self.processor = Processor(directory / "processor", **{**chosen, **settings})
        if "ledger" in settings:
            self.processor.ledger = Path(settings["ledger"])

    @property
    def postgres(self) -> Postgres:
        assert self._postgres is not None, "this ledger is a file"
        return self._postgres

    def stored_ids(self) -> Counter[str]:
        """How often each span id is in the ledger. A file is read once its service is stopped."""
        if self._database is not None:
            rows = self.postgres.execute(self._database.rpartition("/")[2], _SPAN_IDS)
        else:
            self.processor.stop()
            with duckdb.connect(str(self.processor.ledger)) as ledger:
                rows = ledger.execute(_SPAN_IDS).fetchall()
        return Counter(span_id for (span_id,) in rows)


@contextlib.contextmanager
def running_site(
    directory: Path,
    engine: Engine = "duckdb",
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Site]:
    """Started, and stopped whatever happens. PostgreSQL keeps what it committed: `fsync` is on."""
    with contextlib.ExitStack() as stack:
        postgres = None
        if engine == "postgresql":
            # Not below `directory`, into which the server's own user may not see.
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="taximeter-postgres-"))
            postgres = Postgres(Path(home), fsync="on")
            stack.callback(postgres.stop)
            postgres.start()
        site = Site(directory, postgres, settings)
        site.processor.environment.update(environment or {})
        stack.callback(site.processor.stop)
        site.processor.start()
        yield site


@contextlib.contextmanager
def running_collector(site: Site) -> Iterator[Collector]:
    """The shipped Collector with its queue on disk, which asks again every second."""
    impatient = site.directory / "impatient.yaml"
    impatient.write_text(_IMPATIENT)
    collector = Collector(
        site.directory / "collector", site.processor.url, configs=(CONFIG, impatient)
    )
    with collector:
        yield collector
