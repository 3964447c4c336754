"""Turns a response stream into one that also shows each chunk to an `Attempt`.

The chunks pass on unchanged and at once; the stream is closed when and as it would have been.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

from taximeter import faults
from taximeter.capture.attempt import Attempt


class _Tee:
    """What both kinds share; attributes we do not have are those of the stream inside."""

    def __init__(self, stream: Any, attempt: Attempt) -> None:
        self._stream = stream
        self._attempt = attempt

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_stream"], name)

    def __del__(self) -> None:
        attempt = self.__dict__.get("_attempt")
        if attempt is not None:
            faults.guarded("span", attempt.abort)


class SyncTee(_Tee):
    """Mixed with the client library's own `SyncByteStream` by `tee_types`."""

    def __iter__(self) -> Iterator[bytes]:
        attempt = self._attempt
        try:
            for chunk in self._stream:
                try:
                    attempt.watch(chunk)
                except Exception as error:
                    attempt.stop_watching(error)
                yield chunk
        except BaseException as error:
            faults.guarded("span", attempt.fail, error)
            raise
        faults.guarded("span", attempt.complete)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            faults.guarded("span", self._attempt.abort)


class AsyncTee(_Tee):
    """Mixed with the client library's own `AsyncByteStream` by `tee_types`."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        attempt = self._attempt
        chunks = self._stream.__aiter__()
        try:
            async for chunk in chunks:
                try:
                    attempt.watch(chunk)
                except Exception as error:
                    attempt.stop_watching(error)
                yield chunk
        except BaseException as error:
            faults.guarded("span", attempt.fail, error)
            raise
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        faults.guarded("span", attempt.complete)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            faults.guarded("span", self._attempt.abort)


def tee_types(library: Any) -> tuple[type[Any], type[Any]]:
    """The sync and async tee for `httpx` or `httpx2`, which check for their own stream classes."""
    return (
        type("TaximeterStream", (SyncTee, library.SyncByteStream), {}),
        type("TaximeterStream", (AsyncTee, library.AsyncByteStream), {}),
    )
