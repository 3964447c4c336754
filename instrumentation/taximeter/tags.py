"""Turns `tags(feature=…)` blocks and decorators into the cost tags of the calls made inside."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from taximeter import attributes, faults

Function = TypeVar("Function", bound=Callable[..., Any])

_MAX = attributes.MAX_TAG_LENGTH
_KEY = otel_context.create_key("taximeter-tags")


class _Layer(NamedTuple):
    values: Mapping[str, str]
    outer: Context
    owner: tags


class tags:
    """Name who pays for the LLM calls made inside: a context manager and a decorator.

    Inner blocks override what they name and inherit the rest. Values are 1 to 128 printable
    characters; another value is dropped and counted, never raised. One object may be used again,
    nested, and by many threads and tasks at once. Functions may be plain, async, generators or
    async generators: a generator's tags hold while its body runs, not between its items.
    """

    def __init__(
        self,
        *,
        feature: str | None = None,
        tenant: str | None = None,
        team: str | None = None,
        request_type: str | None = None,
    ) -> None:
        self._values = checked(
            {
                attributes.FEATURE: feature,
                attributes.TENANT: tenant,
                attributes.TEAM: team,
                attributes.REQUEST_TYPE: request_type,
            }
        )

    @property
    def values(self) -> Mapping[str, str]:
        """What this block sets, by span attribute name."""
        return self._values

    def steps(self) -> Steps:
        """For what runs in steps, with others' code between them: enter it for every step."""
        return Steps(self)

    def __enter__(self) -> None:
        outer = otel_context.get_current()
        layer = _Layer({**values_in(outer), **self._values}, outer, self)
        otel_context.attach(otel_context.set_value(_KEY, layer, outer))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        layer = otel_context.get_value(_KEY)
        # In another context than the one entered (an abandoned generator) there is nothing to undo.
        if isinstance(layer, _Layer) and layer.owner is self:
            otel_context.attach(layer.outer)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Function) -> Function:
        return cast("Function", functools.wraps(function)(_wrap(self, function)))


class Steps:
    """Runs the steps of one generator inside a block of tags, and nothing between them.

    A span or block that a step leaves open is open in the next step again.
    """

    def __init__(self, block: tags) -> None:
        self._block = block
        self._begun: Context | None = None
        self._left: Context | None = None

    def __enter__(self) -> None:
        self._outer = otel_context.get_current()
        if self._left is None:
            self._block.__enter__()
            self._begun = otel_context.get_current()
        else:
            otel_context.attach(self._left)

    def __exit__(self, *_: object) -> None:
        left = otel_context.get_current()
        self._left = None if left is self._begun else left
        otel_context.attach(self._outer)


def _wrap(scope: tags, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the same kind, so that frameworks which look at the kind are not misled."""
    if inspect.isasyncgenfunction(function):
        return _wrap_async_generator(scope, function)
    if inspect.isgeneratorfunction(function):
        return _wrap_generator(scope, function)
    if inspect.iscoroutinefunction(function):

        async def tagged_coroutine(*args: Any, **kwargs: Any) -> Any:
            with scope:
                return await function(*args, **kwargs)

        return tagged_coroutine

    def tagged(*args: Any, **kwargs: Any) -> Any:
        with scope:
            return function(*args, **kwargs)

    return tagged


def _wrap_generator(
    scope: tags, function: Callable[..., Generator[Any, Any, Any]]
) -> Callable[..., Generator[Any, Any, Any]]:
    def tagged_generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator, steps = function(*args, **kwargs), scope.steps()
        step, value = generator.send, None
        while True:
            with steps:
                try:
                    item = step(value)
                except StopIteration as stop:
                    return stop.value
            try:
                step, value = generator.send, (yield item)
            except GeneratorExit:
                with steps:
                    generator.close()
                raise
            except BaseException as error:
                step, value = generator.throw, error

    return tagged_generator


def _wrap_async_generator(
    scope: tags, function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def tagged_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator, steps = function(*args, **kwargs), scope.steps()
        step, value = generator.asend, None
        while True:
            with steps:
                try:
                    item = await step(value)
                except StopAsyncIteration:
                    return
            try:
                step, value = generator.asend, (yield item)
            except GeneratorExit:
                with steps:
                    await generator.aclose()
                raise
            except BaseException as error:
                step, value = generator.athrow, error

    return tagged_generator


def block_of(values: Mapping[str, str]) -> tags:
    """The block that sets tags given by span attribute name."""
    return tags(
        feature=values.get(attributes.FEATURE),
        tenant=values.get(attributes.TENANT),
        team=values.get(attributes.TEAM),
        request_type=values.get(attributes.REQUEST_TYPE),
    )


def forget() -> None:
    """Drop the tags of the current context, whoever set them."""
    otel_context.attach(otel_context.set_value(_KEY, None))


def values_in(context: Context) -> Mapping[str, str]:
    """The tags of a context, by span attribute name."""
    layer = context.get(_KEY)
    return layer.values if isinstance(layer, _Layer) else {}


def checked(values: Mapping[str, object]) -> dict[str, str]:
    """The usable ones among tag values; None is unset, the rest is dropped and counted."""
    good = {}
    for name, value in values.items():
        if value is None:
            continue
        text = _text(value)
        if text is None:
            faults.note("tag", f"{name} is dropped: not 1 to {_MAX} printable characters")
        else:
            good[name] = text
    return good


def _text(value: object) -> str | None:
    if isinstance(value, (int, UUID)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    text = str.__str__(value).strip()
    return text if 0 < len(text) <= _MAX and text.isprintable() else None
