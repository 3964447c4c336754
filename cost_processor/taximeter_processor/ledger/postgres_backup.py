"""A ledger in PostgreSQL as a file, and back: by PostgreSQL's own client programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from taximeter_processor.errors import ConfigError, LedgerError
from taximeter_processor.ledger.duckdb_copy import sync
from taximeter_processor.ledger.postgres_session import Connection, connect, migrate

_TOLD_LINES: Final = 3
_RESTORE: Final = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
_SCHEMA: Final = re.compile(r"\d+; \d+ \d+ (SCHEMA - (?P<name>\S+)|COMMENT - SCHEMA|ACL - SCHEMA) ")


class Vault:
    """Backups of one ledger; it goes on being written while one is made."""

    def __init__(self, url: str, shown: str) -> None:
        """`shown` is the URL in errors."""
        self._url = url
        self._shown = shown

    def backup(self, target: Path) -> None:
        """Dump the ledger's schema, of one moment, to a file for its owner alone.

        It has its name only once it is whole. Raises `ConfigError` without `pg_dump`,
        `LedgerError` when it fails.
        """
        schema = self._schema(is_empty=False)
        part = target.with_name(f".{target.name}.part")
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            self._run(
                "pg_dump", [f"--schema={_quoted(schema)}", f"--file={part}", "--format=custom"]
            )
            self._run("pg_restore", ["--list", str(part)], connects=False)
            sync(part)
            os.replace(part, target)
            sync(target.parent)
        except OSError as error:
            raise LedgerError(f"{target}: {error}") from error
        finally:
            part.unlink(missing_ok=True)

    def restore(self, source: Path) -> None:
        """Fill an empty database with a backup, whole or not at all.

        Roles and what they were granted are not restored. Raises `ConfigError` without
        `pg_restore`, `LedgerError` for a database that is not empty or a file that is no backup.
        """
        schema = self._schema(is_empty=True)
        contents = self._contents(source, schema)
        with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
            chosen.write(contents)
            chosen.flush()
            self._run("pg_restore", [*_RESTORE, f"--use-list={chosen.name}"], [str(source)])
        self._schema(is_empty=False)
        with self._connection() as connection:
            migrate(connection, self._shown)
            connection.execute("analyze")

    def _schema(self, *, is_empty: bool) -> str:
        """The schema of the ledger, which must hold one, or nothing at all."""
        with self._connection() as connection:
            ((schema, tables, ledgers),) = connection.execute(_PRESENT).fetchall()
        if schema is None:
            raise LedgerError(f"{self._shown} has no schema that this user may use")
        if is_empty and tables:
            raise LedgerError(
                f"{self._shown} is not empty: restore into a new database (createdb NAME), and "
                "name that one in `ledger`"
            )
        if not is_empty and not ledgers:
            raise LedgerError(f"{self._shown} has no ledger in its schema {schema}")
        return str(schema)

    def _contents(self, source: Path, schema: str) -> str:
        """The list of what is to be restored: all but the schema itself, which is there."""
        try:
            lines = self._run("pg_restore", ["--list", str(source)], connects=False).splitlines()
        except LedgerError as error:
            raise LedgerError(f"{source} is no backup of a ledger in {error}") from error
        kept = [line for line in lines if not _SCHEMA.match(line)]
        for line in lines:
            found = _SCHEMA.match(line)
            if found and found["name"] and found["name"] != schema:
                raise LedgerError(
                    f"{source} is of a schema {found['name']}, {self._shown} uses {schema}: "
                    "restore into a database whose search_path begins with the former"
                )
        return "\n".join(kept)

    def _connection(self) -> Connection:
        try:
            return connect(self._url, "backup", ())
        except psycopg.Error as error:
            raise LedgerError(f"{self._shown}: {' '.join(str(error).split())}") from error

    def _run(
        self,
        program: str,
        options: Sequence[str],
        arguments: Sequence[str] = (),
        *,
        connects: bool = True,
    ) -> str:
        """What a client program prints; the password is in its environment, where no list is."""
        path = shutil.which(program)
        if path is None:
            raise ConfigError(
                f"{program} is not here: install PostgreSQL's client programs, of the server's "
                "version or newer (Debian: apt install postgresql-client)"
            )
        environment = dict(os.environ)
        command = [path, *options]
        if connects:
            parts = conninfo_to_dict(self._url)
            password = parts.pop("password", None)
            if password is not None:
                environment["PGPASSWORD"] = str(password)
            command += ["--no-password", f"--dbname={make_conninfo('', **parts)}"]
        done = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            told = " ".join(done.stderr.strip().splitlines()[:_TOLD_LINES])
            raise LedgerError(f"{self._shown}: {told or f'{program} failed'}")
        return done.stdout


_PRESENT: Final = (
    "select current_schema(), count(c.oid), count(c.oid) filter (where c.relname = "
    "'taximeter_schema') from (select) one left join pg_class c "
    "on c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')"
)


def _quoted(name: str) -> str:
    """A name as a pattern that matches it alone."""
    return '"{}"'.format(name.replace('"', '""'))
