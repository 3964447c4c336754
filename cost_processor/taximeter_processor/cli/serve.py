"""`taximeter serve`: the cost processor, until it is told to stop."""

from __future__ import annotations

import argparse
import gc
import logging
from pathlib import Path

from taximeter_processor.settings import Settings, load

SHUTDOWN_SECONDS = 30
MOST_CONNECTIONS = 1024


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `serve`."""
    parser = commands.add_parser(
        "serve",
        help="run the cost processor",
        description="Receive OTLP spans, price them, keep the ledger, serve /metrics and the API.",
    )
    parser.add_argument("--config", type=Path, help="taximeter.yaml (default: ./taximeter.yaml)")
    parser.add_argument("--listen", metavar="HOST:PORT", help="overrides the configuration")
    parser.add_argument(
        "--ledger",
        help="a DuckDB file or postgresql://USER@HOST/DATABASE; overrides the configuration",
    )
    parser.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error")
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    logging.basicConfig(
        level=arguments.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    given = {"listen": arguments.listen, "ledger": arguments.ledger}
    changes = {key: value for key, value in given.items() if value is not None}
    serve(load(arguments.config, changes=changes), arguments.log_level)
    return 0


def serve(settings: Settings, log_level: str = "info") -> None:
    """Serve until SIGINT or SIGTERM; what was accepted is committed before this returns."""
    # Imported here: no other command should wait for a web framework.
    import uvicorn

    from taximeter_processor.app import Application
    from taximeter_processor.service import Service

    service = Service(settings)
    # Values made for a batch form no cycles and die with it: look for cycles rarely.
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    config = uvicorn.Config(
        Application(service),
        host=settings.host,
        port=settings.port,
        log_level=log_level,
        access_log=False,
        http="httptools",
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=75,
        limit_concurrency=MOST_CONNECTIONS,
    )
    uvicorn.Server(config).run()
