"""Turns tag headers of trusted callers into the tags of the requests a WSGI application serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from taximeter import faults, propagation
from taximeter.inbound import Inbound
from taximeter.tags import tags

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_VARIABLES = {
    f"HTTP_{header.upper().replace('-', '_')}": header.encode("ascii")
    for header in (*propagation.HEADERS.values(), "baggage")
}


class TaximeterMiddleware:
    """Believe `x-taximeter-feature|tenant|team|request-type`, or baggage, from trusted callers.

    A caller is trusted if its address lies in `trusted_peers` (default: TAXIMETER_TRUSTED_PEERS),
    or everybody is, with `trust_inbound=True`. What the application sets itself, by `tags(…)`
    after it knows who is calling, overrides these tags. They hold while the application runs and
    while its response is iterated and closed, and not in the server's own code between.
    """

    def __init__(
        self,
        app: Application,
        *,
        trust_inbound: bool = False,
        trusted_peers: Iterable[str] | str | None = None,
    ) -> None:
        self._app = app
        self._inbound = Inbound(trust_inbound=trust_inbound, trusted_peers=trusted_peers)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        block = faults.guarded("inbound tags", self._block, environ)
        if block is None:
            return self._app(environ, start_response)
        with block:
            chunks = self._app(environ, start_response)
        if _runs_no_code(chunks, environ):
            return chunks
        return (_SizedBody if hasattr(chunks, "__len__") else _Body)(chunks, block)

    def _block(self, environ: Environ) -> tags | None:
        return self._inbound.block(environ.get("REMOTE_ADDR"), tag_headers(environ))


def tag_headers(environ: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """The headers of a WSGI environment that may name tags."""
    for variable, header in _VARIABLES.items():
        if variable in environ:
            yield header, environ[variable].encode("latin-1")


def _runs_no_code(chunks: Iterable[bytes], environ: Environ) -> bool:
    """Nothing is left to run inside the tags, and servers look at these types."""
    files = environ.get("wsgi.file_wrapper")
    return isinstance(chunks, (list, tuple)) or (
        isinstance(files, type) and isinstance(chunks, files)
    )


class _Body:
    """A response whose every step runs inside a block of tags."""

    def __init__(self, chunks: Any, block: tags) -> None:
        self._chunks = chunks
        self._steps = block.steps()

    def __iter__(self) -> Iterator[bytes]:
        with self._steps:
            self._iterator = iter(self._chunks)
        return self

    def __next__(self) -> bytes:
        with self._steps:
            chunk: bytes = next(self._iterator)
        return chunk

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            with self._steps:
                close()


class _SizedBody(_Body):
    """The same for a response whose length a server may ask for."""

    def __len__(self) -> int:
        return len(self._chunks)
