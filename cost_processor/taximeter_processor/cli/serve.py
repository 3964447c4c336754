"""`taximeter serve`: the cost processor, until it is told to stop."""

from __future__ import annotations

import argparse
import gc
import logging
import ssl
from functools import partial
from pathlib import Path
from typing import Any, cast

from taximeter_processor.settings import Settings, load

SHUTDOWN_SECONDS = 30
OTHER_FILES = 256
"""Descriptors beside those of connections: the ledger's, the libraries'."""

_log = logging.getLogger(__name__)


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

    from taximeter_processor.api.connection import MOST_CONNECTIONS, Connection
    from taximeter_processor.app import Application
    from taximeter_processor.service import Service

    service = Service(settings)
    # Values made for a batch form no cycles and die with it: look for cycles rarely.
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    _allow_connections(MOST_CONNECTIONS)
    if not settings.is_loopback and settings.tls is None:
        _log.warning(
            "%s is served without TLS: whoever sees the network sees the tokens. Set tls:, or "
            "listen on 127.0.0.1 behind a proxy that has it",
            settings.listen,
        )
    tls = settings.tls
    config = uvicorn.Config(
        Application(service),
        host=settings.host,
        port=settings.port,
        log_level=log_level,
        access_log=False,
        http=cast(Any, partial(Connection, metrics=service.metrics)),
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=75,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_keyfile_password="",
        ssl_ca_certs=str(tls.client_ca) if tls and tls.client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.client_ca else ssl.CERT_NONE,
    )
    uvicorn.Server(config).run()


def _allow_connections(most: int) -> None:
    """Raise this process's limit of open files where it is too low for so many."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
