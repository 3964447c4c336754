"""`taximeter demo`: all of Taximeter on this machine, with traffic and a history to look at."""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import signal
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from taximeter_processor.cli import access
from taximeter_processor.delivery import post_all
from taximeter_processor.demo import configuration, history, reconcile, screen, traffic
from taximeter_processor.demo.children import is_free
from taximeter_processor.demo.session import LABEL, LIVE_MODEL, Session
from taximeter_processor.errors import TaximeterError
from taximeter_processor.settings import Settings, load

DIMENSIONS: Final = ("feature", "tenant", "team", "request_type")
REPLAYED_REQUESTS: Final = 80
LIVE_REQUESTS: Final = 12
MOST_DAYS: Final = 365
ARRIVAL_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.2


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo`."""
    parser = commands.add_parser(
        "demo",
        help="run everything once on this machine, with a bundled provider",
        description=(
            "Start the processor, a replay provider and an example app that calls it with the real "
            "openai SDK; send traffic, back-fill labelled history, and show what it all cost. "
            "Needs no key and no Docker."
        ),
    )
    parser.add_argument(
        "--once", action="store_true", help="check that everything agrees, and end (1: it does not)"
    )
    parser.add_argument(
        "--live", action="store_true", help=f"call OpenAI ({LIVE_MODEL}) with OPENAI_API_KEY"
    )
    parser.add_argument("--days", type=int, default=60, help="days of history; 0: none (60)")
    parser.add_argument("--dir", type=Path, default=Path("taximeter-demo"), help="./taximeter-demo")
    parser.add_argument("--port", type=int, help="of the processor (4319, or what DIR's file says)")
    parser.add_argument("--requests", type=int, help=f"{REPLAYED_REQUESTS}; live {LIVE_REQUESTS}")
    parser.set_defaults(run=_run)


@dataclass(frozen=True)
class _Demo:
    """One demo that is up."""

    session: Session
    settings: Settings
    config: Path
    output: Console
    days: int
    since: str
    """When it began, ISO 8601."""

    def read(self, name: str, **parameters: str) -> dict[str, Any]:
        """A read of the processor."""
        answer = access.ask_service(self.settings, name, parameters)
        if answer is None:
            self.session.check()
            raise TaximeterError(f"nothing answers on {self.settings.listen} any more")
        return answer

    def rows(self, by: str, since: str, **where: str) -> list[dict[str, Any]]:
        """Rows of the `costs` read."""
        rows: list[dict[str, Any]] = self.read("costs", by=by, since=since, **where)["rows"]
        return rows


def _run(arguments: argparse.Namespace) -> int:
    _check_use(arguments)
    settings, config = _configure(arguments.dir, arguments.port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    output = screen.console()
    began = datetime.now(timezone.utc)
    url = access.service_url(settings)
    try:
        with Session(config, url, live=arguments.live) as session:
            demo = _Demo(session, settings, config, output, arguments.days, began.isoformat())
            return _perform(demo, arguments, (datetime.now(timezone.utc) - began).total_seconds())
    except KeyboardInterrupt:
        output.print("\nStopped; the ledger stays.")
        return 0


def _check_use(arguments: argparse.Namespace) -> None:
    if importlib.util.find_spec("openai") is None:
        raise TaximeterError('the demo calls the openai SDK: pip install "taximeter[demo]"')
    if arguments.live and not os.environ.get("OPENAI_API_KEY"):
        raise TaximeterError("--live calls OpenAI: set OPENAI_API_KEY, or leave --live out")
    if not 0 <= arguments.days <= MOST_DAYS:
        raise ValueError(f"--days {arguments.days}: expected 0 to {MOST_DAYS}")
    if arguments.requests is None:
        arguments.requests = LIVE_REQUESTS if arguments.live else REPLAYED_REQUESTS
    if arguments.requests < 1:
        raise ValueError(f"--requests {arguments.requests}: expected 1 or more")


def _configure(directory: Path, asked_port: int | None) -> tuple[Settings, Path]:
    """The settings of the demo's directory, written when it has none; their port is free."""
    path = directory / configuration.FILE_NAME
    port = asked_port or configuration.DEFAULT_PORT
    remedy = "--port"
    if path.exists():
        port = load(path, environ={}).port
        remedy = f"--port and another --dir, or in {path}"
        if asked_port not in (None, port):
            raise TaximeterError(f"{path} says port {port}: edit it, or choose another --dir")
    if not is_free(port):
        raise TaximeterError(
            f"port {port} is in use: stop what listens there, or choose another with {remedy}"
        )
    configuration.write_if_absent(directory, port)
    return load(path, environ={}), path


def _perform(demo: _Demo, arguments: argparse.Namespace, start_seconds: float) -> int:
    _tell_what_runs(demo, start_seconds)
    requests = traffic.user_requests(arguments.requests)
    _send_traffic(demo, requests)
    if demo.days:
        _backfill(demo)
    agrees = _compare(demo, requests)
    _show_costs(demo)
    agrees = _verify(demo) and agrees
    _tell_where(demo)
    if not arguments.once:
        _keep_running(demo, live=arguments.live)
    return 0 if agrees else 1


def _tell_what_runs(demo: _Demo, start_seconds: float) -> None:
    output, session = demo.output, demo.session
    output.print("[bold]Taximeter demo[/]")
    screen.step(output, "configuration", str(demo.config))
    screen.step(output, "processor", f"{session.processor_url}, up in {start_seconds:.1f} s")
    if session.provider is None:
        screen.step(output, "provider", f"OpenAI, {LIVE_MODEL}: these calls cost real money")
    else:
        screen.step(output, "replay provider", session.provider.base_url)
    screen.step(output, "example app", f"{session.app_url}: FastAPI and the openai SDK")


def _send_traffic(demo: _Demo, requests: list[traffic.UserRequest]) -> None:
    began = time.monotonic()
    with screen.progress(demo.output) as bar:
        task = bar.add_task("requests", total=len(requests))
        traffic.drive(demo.session.app_url, requests, lambda: bar.advance(task))
    seconds = time.monotonic() - began
    screen.step(demo.output, "traffic", f"{len(requests)} users' requests in {seconds:.1f} s")


def _backfill(demo: _Demo) -> None:
    """Post the history, unless this ledger has all of it."""
    began = time.monotonic()
    past = history.calls(demo.days, datetime.now(timezone.utc).date())
    since = f"{demo.days + 1}d"
    kept = demo.rows("environment", since, environment=history.LABEL)
    if kept and kept[0]["requests"] >= len(past):
        told = f"{len(past):,} calls of {demo.days} days were here already"
    else:
        with screen.progress(demo.output) as bar:
            task = bar.add_task("history", total=len(past))
            url = f"{demo.session.processor_url}/v1/traces"
            post_all(url, history.bodies(past), lambda spans: bar.advance(task, spans))
        seconds = time.monotonic() - began
        told = f"{len(past):,} calls of {demo.days} days back-filled in {seconds:.1f} s"
    screen.step(demo.output, "history", f"{told}, labelled {history.LABEL}")


def _compare(demo: _Demo, requests: list[traffic.UserRequest]) -> bool:
    """Wait for the last span, then set the provider's own count against the ledger's."""
    server = demo.session.provider
    if server is None:
        return _wait_for_calls(demo, traffic.calls_of(requests))
    told = reconcile.of_provider(server.provider.answers, server.provider.errors)
    deadline = time.monotonic() + ARRIVAL_SECONDS
    kept = _ledger_counts(demo)
    while kept != told and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        kept = _ledger_counts(demo)
    demo.output.print("\n[bold]What the provider says it served[/]")
    demo.output.print(screen.comparison_table(told, kept))
    return kept == told


def _wait_for_calls(demo: _Demo, expected: int) -> bool:
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        if sum(count.answers for count in _ledger_counts(demo).values()) >= expected:
            return True
        time.sleep(_POLL_SECONDS)
    demo.output.print(f"[red]not all of {expected} calls arrived in {ARRIVAL_SECONDS:g} s[/]")
    return False


def _ledger_counts(demo: _Demo) -> reconcile.Counts:
    return reconcile.of_ledger(demo.rows("model,status", demo.since, environment=LABEL))


def _show_costs(demo: _Demo) -> None:
    first_day = datetime.now(timezone.utc).date() - timedelta(days=demo.days)
    for dimension in DIMENSIONS:
        live = demo.rows(dimension, "today", environment=LABEL)
        whole = demo.rows(dimension, first_day.isoformat())
        demo.output.print(f"\n[bold]Cost by {dimension.replace('_', ' ')}[/]")
        demo.output.print(screen.cost_table(dimension, live, whole, demo.days))
    unpriced = sum(row["unpriced"] for row in whole)
    if unpriced:
        which = "taximeter costs --by model --where status=unpriced"
        told = f"{unpriced:,} calls have no price and are in no amount above: {which}"
        demo.output.print(f"\n[yellow]![/] {told}", soft_wrap=True)


def _verify(demo: _Demo) -> bool:
    answer = demo.read("ledger/verify")
    demo.output.print()
    if answer["ok"]:
        told = f"{answer['rows']:,} calls, ${answer['cost_usd']} exactly; every sum agrees"
        screen.step(demo.output, "ledger verified", told)
        return True
    for check in answer["checks"]:
        if not check["ok"]:
            demo.output.print(
                f"[red]✗ {check['check']}: {check['left']} is not {check['right']}[/]"
            )
    return False


def _tell_where(demo: _Demo) -> None:
    url = demo.session.processor_url
    places = {
        "web page": f"{url}/",
        "metrics": f"{url}/metrics",
        "API": f"{url}/api/v1/costs?by=feature,team&since=30d",
        "ledger": demo.settings.ledger,
        "command line": f"taximeter costs --config {demo.config} --by tenant --since 30d",
    }
    demo.output.print("\n[bold]Where to look[/]")
    for name, place in places.items():
        demo.output.print(f"  {name:<18}{place}", markup=False, soft_wrap=True)


def _keep_running(demo: _Demo, *, live: bool) -> None:
    """A request every second or two until Ctrl-C; none where each costs money."""
    going_on = "Waiting" if live else "Light traffic goes on"
    demo.output.print(f"\n{going_on} until Ctrl-C.")
    generator = random.Random()
    while True:
        time.sleep(generator.uniform(0.5, 2.5))
        demo.session.check()
        if not live:
            (request,) = traffic.user_requests(1, generator.randrange(1 << 30))
            traffic.drive(demo.session.app_url, [request], lambda: None)
