"""`taximeter ledger grant|hourly`: who may read a ledger in PostgreSQL, and its hourly sums."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from taximeter_processor.cli import access
from taximeter_processor.errors import ConfigError
from taximeter_processor.ledger.engines import open_sharing


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands to those of `ledger`."""
    grant = commands.add_parser(
        "grant",
        help="let a PostgreSQL role read the views",
        description="Let a PostgreSQL role read the views v_requests, v_daily_cost and "
        "v_unit_economics, and nothing else. Without --password-file the role must be there: "
        "create role NAME login.",
        epilog="Example: taximeter ledger grant --role grafana --password-file /run/secrets/reader",
    )
    access.add_common(grant)
    grant.add_argument("--role", required=True, help="the role's name")
    grant.add_argument(
        "--password-file",
        type=Path,
        help="make the role if need be, with the password in this file",
    )
    grant.set_defaults(run=_grant)
    hourly = commands.add_parser(
        "hourly",
        help="by what PostgreSQL keeps hourly sums",
        description="By what PostgreSQL keeps exact hourly sums, and how many rows that takes. "
        "With --by they are made anew; commits wait meanwhile. Fewer rows than a tenth of the "
        "calls are worth keeping: leave out dimensions of many values, such as tenant.",
        epilog="Example: taximeter ledger hourly --by feature,team,provider,model",
    )
    access.add_common(hourly)
    hourly.add_argument("--by", default="", help="dimensions, comma separated")
    hourly.set_defaults(run=_hourly)


def _grant(arguments: argparse.Namespace) -> int:
    sharing = open_sharing(access.settings_of(arguments))
    sharing.grant(arguments.role, _password(arguments.password_file))
    print(f"{arguments.role} may read the views")
    return 0


def _password(path: Path | None) -> str | None:
    """The file's text without its line end; None without a file. Raises `ConfigError`."""
    if path is None:
        return None
    try:
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--password-file {path}: {error}") from error
    if not password:
        raise ConfigError(f"--password-file {path}: expected a password, the file is empty")
    return password


def _hourly(arguments: argparse.Namespace) -> int:
    names = [name.strip() for name in arguments.by.split(",") if name.strip()]
    found = open_sharing(access.settings_of(arguments)).hourly(names)
    if arguments.json:
        print(json.dumps(found._asdict(), indent=2))
    else:
        print(f"by hour, writer, {', '.join(found.dimensions)}")
        print(f"{found.rows:,} rows for {found.calls:,} calls")
    return 0
