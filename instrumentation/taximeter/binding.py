"""Turns an SDK client into one whose calls are all made inside the same tags."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import functools
import io
import types
import weakref
from collections.abc import Awaitable, Generator, Mapping
from typing import Any, TypeVar, cast

import wrapt

from taximeter import faults
from taximeter.tags import Steps, block_of, tags

Client = TypeVar("Client")

_DATA = (
    *(str, bytes, bytearray, int, float, complex, type(None)),
    *(dict, list, tuple, set, frozenset, type, types.ModuleType, BaseException),
    # These run elsewhere, or are looked at by their exact type.
    *(io.IOBase, asyncio.Future),
)
_COMMON_PACKAGES = {"builtins", "abc", "typing", "types", "functools", "contextlib", "pydantic"}
_LAZY = ("__await__", "__next__", "__anext__", "__enter__", "__aenter__")
"""What has one of these may send its request only when that is called."""


def bind(
    client: Client,
    *,
    feature: str | None = None,
    tenant: str | None = None,
    team: str | None = None,
    request_type: str | None = None,
) -> Client:
    """A client that makes its calls inside these tags; the one that is passed stays as it is.

    The tags override those of the `tags(…)` blocks around a call for what they name, and inherit
    the rest. Any SDK's client will do: what is reached through it (resources, copies, coroutines,
    context managers, iterators) is bound alike; data is not touched.
    """
    named = tags(feature=feature, tenant=tenant, team=team, request_type=request_type)
    return cast("Client", _bound(client, named.values))


def _bound(client: Any, values: Mapping[str, str]) -> Any:
    if isinstance(client, _Bound):
        values = {**client._self_binding.values, **values}
        client = client.__wrapped__
    return _proxy(client, _Binding(values, _packages(type(client))))


class _Binding:
    """Tags, and the packages whose objects they are to follow."""

    def __init__(self, values: Mapping[str, str], packages: frozenset[str]) -> None:
        self.values = values
        self.packages = packages
        self.block = block_of(values)

    def follow(self, value: Any) -> Any:
        """A value reached through a bound object: bound too, if calls can be made through it."""
        try:
            if isinstance(value, types.CoroutineType):
                return _coroutine(value, self)
            kind: Any = type(value)  # mypy takes no class for hashable
            return _proxy(value, self) if _leads_to_calls(kind, self.packages) else value
        except Exception as error:
            faults.report("bind", error)
            return value


@functools.lru_cache(maxsize=512)  # bounded: boto makes a new class for every client
def _leads_to_calls(kind: type, packages: frozenset[str]) -> bool:
    if issubclass(kind, (*_DATA, _Bound)):
        return False
    if any(hasattr(kind, name) for name in _LAZY) or _defines(kind, "__call__"):
        return True
    is_model = hasattr(kind, "__pydantic_fields__") or hasattr(kind, "model_fields")
    if is_model or dataclasses.is_dataclass(kind):
        return False
    return not packages.isdisjoint(_packages(kind))


def _defines(kind: type, name: str) -> bool:
    return any(name in vars(base) for base in kind.__mro__)


def _packages(kind: type) -> frozenset[str]:
    """Where a class and its bases come from: an SDK's objects share it with their client."""
    named = {base.__module__.partition(".")[0] for base in kind.__mro__}
    return frozenset(named - _COMMON_PACKAGES)


def _coroutine(original: types.CoroutineType[Any, Any, Any], binding: _Binding) -> Any:
    bound: Any = _awaited(original, binding)
    bound.__name__, bound.__qualname__ = original.__name__, original.__qualname__
    # Cancelled before it began, it must not leave one behind that was never awaited.
    weakref.finalize(bound, original.close).atexit = False
    return bound


async def _awaited(awaitable: Awaitable[Any], binding: _Binding) -> Any:
    with binding.block:
        answer = await awaitable
    return binding.follow(answer)


# The base class of wrapt 2 that has no __iter__; wrapt 1 has one for all.
_Proxy: Any = getattr(wrapt, "BaseObjectProxy", wrapt.ObjectProxy)


class _Bound(_Proxy):  # type: ignore[misc] # it depends on wrapt's version
    """Stands for an object, and reaches everything through it inside the tags."""

    def __init__(self, original: Any, binding: _Binding) -> None:
        super().__init__(original)
        self._self_binding = binding
        runs_in_steps = isinstance(original, (types.GeneratorType, types.AsyncGeneratorType))
        self._self_step = binding.block.steps() if runs_in_steps else binding.block

    def __getattr__(self, name: str) -> Any:
        return self._self_binding.follow(getattr(self.__wrapped__, name))

    def __enter__(self) -> Any:
        with self._self_binding.block:
            entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else self._self_binding.follow(entered)

    def __exit__(self, *error: Any) -> Any:
        with self._self_binding.block:
            return self.__wrapped__.__exit__(*error)

    async def __aenter__(self) -> Any:
        with self._self_binding.block:
            entered = await self.__wrapped__.__aenter__()
        return self if entered is self.__wrapped__ else self._self_binding.follow(entered)

    async def __aexit__(self, *error: Any) -> Any:
        with self._self_binding.block:
            return await self.__wrapped__.__aexit__(*error)

    def __copy__(self) -> Any:
        return _bound(copy.copy(self.__wrapped__), self._self_binding.values)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _bound(copy.deepcopy(self.__wrapped__, memo), self._self_binding.values)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _bound, (self.__wrapped__, self._self_binding.values)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


class _Special:
    """Methods that a bound object has only if its original does: others look for them."""

    __wrapped__: Any
    _self_binding: _Binding
    _self_step: Steps | tags

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self._self_binding.block:
            answer = self.__wrapped__(*args, **kwargs)
        return self._self_binding.follow(answer)

    def __await__(self) -> Generator[Any, Any, Any]:
        return _awaited(self.__wrapped__, self._self_binding).__await__()

    def __iter__(self) -> Any:
        with self._self_binding.block:
            iterator = iter(self.__wrapped__)
        return self if iterator is self.__wrapped__ else self._self_binding.follow(iterator)

    def __next__(self) -> Any:
        with self._self_step:
            item = next(self.__wrapped__)
        return self._self_binding.follow(item)

    def __aiter__(self) -> Any:
        with self._self_binding.block:
            iterator = aiter(self.__wrapped__)
        return self if iterator is self.__wrapped__ else self._self_binding.follow(iterator)

    async def __anext__(self) -> Any:
        with self._self_step:
            item = await anext(self.__wrapped__)
        return self._self_binding.follow(item)


_SPECIAL = {
    name: vars(_Special)[name]
    for name in ("__call__", "__await__", "__iter__", "__next__", "__aiter__", "__anext__")
}


def _proxy(original: Any, binding: _Binding) -> Any:
    kind: Any = type(original)  # as above
    return _type_for(kind)(original, binding)


@functools.lru_cache(maxsize=512)
def _type_for(kind: type) -> Any:
    methods = {name: method for name, method in _SPECIAL.items() if _defines(kind, name)}
    return type("Bound", (_Bound,), methods)
