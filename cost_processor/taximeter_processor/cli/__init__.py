"""The service's commands: `taximeter serve`, `costs`, `explain`, …; one file each family."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final, Protocol

from taximeter_processor.cli import (
    check,
    demo,
    digest,
    explain,
    imports,
    ledger,
    prices,
    reads,
    reprice,
    rules,
    serve,
)
from taximeter_processor.errors import TaximeterError

DONE: Final = 0
WRONG_USE: Final = 2


class Command(Protocol):
    """A module that adds one or more subcommands."""

    def register(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add parsers; each sets `run`, a function from the arguments to an exit code."""
        ...


COMMANDS: Final[tuple[Command, ...]] = (
    serve,
    demo,
    reads,
    digest,
    explain,
    imports,
    prices,
    reprice,
    ledger,
    check,
    rules,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 something wrong in the data, 2 wrong use (one line on stderr)."""
    parser = argparse.ArgumentParser(
        prog="taximeter",
        description="Meter, price and explain what LLM calls cost.",
        epilog="Exit codes: 0 done, 1 something wrong in the data, 2 wrong use.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(commands)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (TaximeterError, ValueError) as error:
        print(f"taximeter: {error}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
