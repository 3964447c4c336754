"""Turns the `taximeter` command line into a call of the command it names.

Only the standard library is imported here; the service is imported when one of its commands runs.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence

from taximeter import __version__

COMMANDS: Mapping[str, str] = {
    "doctor": "say what is metered here, where spans go, and whether one arrives",
    "serve": "run the cost processor: OTLP in, ledger and /metrics out",
    "demo": "run everything once on this machine, with a bundled provider",
    "check": "validate taximeter.yaml and say what is wrong on which line",
    "explain": "say why calls cost what they cost, from a file of spans or a trace id",
    "import": "take in calls that were made without a span: batch results",
    "costs": "print cost by feature, team, tenant, model or day",
    "requests": "list the calls behind a sum, newest or dearest first",
    "prices": "print prices and where they come from; compare, check and adopt price lists",
    "reprice": "recompute stored calls after a price was added or corrected",
    "owners": "print who owns which cost, and what nobody owns",
    "digest": "send each owner yesterday's cost against its normal",
    "status": "print how the service is doing",
    "ledger": "look after the ledger: its size, and whether its sums agree",
    "dead-letters": "list what could not be accepted",
    "rules": "write Prometheus rules and the Alertmanager configuration",
}
_WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 = done, 1 = found something wrong, 2 = wrong use.

    Raises SystemExit after `--help`, `--version` and an unknown command, as argparse does.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in COMMANDS:
        _parser().parse_args(given)
    if given[0] == "doctor":
        from taximeter import doctor

        return doctor.main(given[1:])
    return _run_service(given)


def _run_service(given: list[str]) -> int:
    try:
        service = importlib.import_module("taximeter_processor.cli")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("taximeter_processor."):
            raise
        install = 'pip install "taximeter[processor]"'
        print(f"taximeter {given[0]} needs {error.name}: {install}", file=sys.stderr)
        return _WRONG_USE
    code: int = service.main(given)
    return code


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS)) + 2
    listed = "\n".join(f"  {name:<{width}}{purpose}" for name, purpose in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="taximeter",
        description="Meter, price and explain what your LLM calls cost.",
        epilog=f"commands:\n{listed}\n\n`taximeter COMMAND --help` says more about one of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"taximeter {__version__}")
    parser.add_argument("command", metavar="COMMAND", choices=COMMANDS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
