"""What tests of several packages share: one PostgreSQL server, and patience with the machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.servers import Postgres

# What a test says must not hang on how busy the machine is.
settings.register_profile("taximeter", deadline=None)
settings.load_profile("taximeter")


def _running_postgres() -> Iterator[Postgres]:
    # Not below pytest's own directory, into which another user cannot see.
    with tempfile.TemporaryDirectory(prefix="taximeter-postgres-") as directory:
        server = Postgres(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Running; each test makes itself a database. Not to be restarted: others use it, too."""
    yield from _running_postgres()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server for one test, which may crash it."""
    yield from _running_postgres()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The address of an empty database."""
    return postgres.new_database()
