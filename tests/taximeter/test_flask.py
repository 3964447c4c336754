"""The Flask extension, in a real Flask application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

import taximeter
from taximeter.flask import Taximeter
from tests.taximeter.tagged import FOUND, HEADERS, now


def application() -> flask.Flask:
    app = flask.Flask(__name__)

    @app.get("/")
    def index() -> dict[str, str]:
        return now()

    @app.get("/stream")
    def stream() -> flask.Response:
        def lines() -> Iterator[str]:
            yield f"{flask.request.path} {now()}"

        return flask.Response(flask.stream_with_context(lines()))

    @app.get("/authenticated")
    def authenticated() -> dict[str, str]:
        with taximeter.tags(tenant="authenticated"):
            return now()

    return app


def get(app: flask.Flask, path: str = "/", peer: str = "10.1.2.3", **more: str) -> Any:
    """The answer of one request; leaving the client would find a context that was left open."""
    with app.test_client() as client:
        return client.get(path, headers={**HEADERS, **more}, environ_base={"REMOTE_ADDR": peer})


def test_a_trusted_caller_s_tags_reach_the_view() -> None:
    app = application()
    Taximeter(app, trusted_peers="10.0.0.0/8")
    assert get(app).json == FOUND
    assert get(app, peer="11.0.0.1").json == {}
    assert now() == {}


def test_they_hold_while_a_response_is_streamed() -> None:
    app = application()
    Taximeter(app, trust_inbound=True)
    assert get(app, "/stream").text == f"/stream {FOUND}"


def test_what_the_view_sets_after_authentication_wins() -> None:
    app = application()
    Taximeter(app, trust_inbound=True)
    assert get(app, "/authenticated").json == {"feature": "search", "tenant": "authenticated"}


@pytest.mark.parametrize(
    "config", [{"TAXIMETER_TRUSTED_PEERS": ["10.0.0.0/8"]}, {"TAXIMETER_TRUST_INBOUND": True}]
)
def test_the_configuration_can_say_who_is_trusted(config: dict[str, Any]) -> None:
    app = application()
    app.config.update(config)
    Taximeter().init_app(app)
    assert get(app).json == FOUND


def test_without_any_of_it_nobody_is_believed() -> None:
    app = application()
    Taximeter(app)
    assert get(app, peer="127.0.0.1").json == {}


def test_a_forged_forwarding_header_counts_only_if_the_application_believes_proxies() -> None:
    app = application()
    Taximeter(app, trusted_peers="10.0.0.0/8")
    forged = {"x-forwarded-for": "10.1.2.3"}
    assert get(app, peer="11.0.0.1", **forged).json == {}
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign] # Flask's documented place
    assert get(app, peer="11.0.0.1", **forged).json == FOUND
