"""`tags(…)`: who pays for what is called inside, in every kind of function."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from enum import Enum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context

from taximeter import faults, tags
from taximeter.tags import values_in


def now() -> dict[str, str]:
    """The tags in force here, by their short names."""
    values: Mapping[str, str] = values_in(context.get_current())
    return {name.removeprefix("taximeter."): value for name, value in values.items()}


def test_a_block_sets_tags_and_takes_them_away() -> None:
    with tags(feature="search", tenant="acme", team="growth", request_type="chat"):
        assert now() == {
            "feature": "search",
            "tenant": "acme",
            "team": "growth",
            "request_type": "chat",
        }
    assert now() == {}


def test_an_inner_block_overrides_what_it_names_and_inherits_the_rest() -> None:
    with tags(feature="search", tenant="acme"):
        with tags(tenant="initech", team="growth"):
            assert now() == {"feature": "search", "tenant": "initech", "team": "growth"}
        assert now() == {"feature": "search", "tenant": "acme"}


def test_one_object_nests_in_itself_and_serves_many_threads() -> None:
    shared = tags(feature="search")
    seen: list[dict[str, str]] = []

    def enter_twice() -> None:
        with shared, shared:
            seen.append(now())
        seen.append(now())

    threads = [threading.Thread(target=enter_twice) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, seen)) == sorted(["{'feature': 'search'}", "{}"] * 8)


def test_an_exception_passes_and_the_tags_go() -> None:
    with pytest.raises(KeyError), tags(feature="search"):
        raise KeyError
    assert now() == {}


def test_a_decorated_function_keeps_its_name_and_result() -> None:
    @tags(feature="search")
    def answer(number: int) -> dict[str, str]:
        """Say."""
        return {**now(), "number": str(number)}

    assert answer(7) == {"feature": "search", "number": "7"}
    assert (answer.__name__, answer.__doc__) == ("answer", "Say.")
    assert now() == {}


def test_a_decorated_coroutine_has_them_across_awaits_and_beside_others() -> None:
    @tags(feature="search")
    async def search() -> dict[str, str]:
        await asyncio.sleep(0)
        return now()

    async def both() -> list[dict[str, str]]:
        async with tags(feature="chat"):
            return list(await asyncio.gather(search(), asyncio.to_thread(now)))

    assert asyncio.run(both()) == [{"feature": "search"}, {"feature": "chat"}]


def test_a_decorated_generator_has_them_in_its_body_and_not_between_items() -> None:
    @tags(feature="search")
    def produce() -> Iterator[dict[str, str]]:
        received = yield now()
        assert received is None
        yield now()

    inside = []
    for item in produce():
        inside.append(item)
        assert now() == {}
    assert inside == [{"feature": "search"}] * 2


def test_a_decorated_generator_can_be_sent_thrown_and_closed() -> None:
    happened: list[str] = []

    @tags(feature="search")
    def echo() -> Generator[None, str, None]:
        try:
            happened.append((yield))
            yield
        except KeyError:
            happened.append("thrown")
            yield
        finally:
            happened.append(str(now()))

    generator = echo()
    next(generator)
    generator.send("sent")
    generator.throw(KeyError())
    generator.close()
    assert happened == ["sent", "thrown", "{'feature': 'search'}"]


def test_a_decorated_async_generator_has_them_in_its_body_only() -> None:
    @tags(feature="search")
    async def produce() -> AsyncIterator[dict[str, str]]:
        yield now()
        await asyncio.sleep(0)
        yield now()

    async def consume() -> list[dict[str, str]]:
        return [{**item, **now()} async for item in produce()]

    assert asyncio.run(consume()) == [{"feature": "search"}] * 2


def test_a_decorated_function_stays_of_its_kind() -> None:
    def plain() -> None: ...

    async def coroutine() -> None: ...

    def generator() -> Iterator[None]:
        yield

    async def async_generator() -> AsyncIterator[None]:
        yield

    for function in (plain, coroutine, generator, async_generator):
        decorated = tags(feature="search")(function)
        for kind in ("iscoroutinefunction", "isgeneratorfunction", "isasyncgenfunction"):
            assert getattr(inspect, kind)(decorated) == getattr(inspect, kind)(function)


def test_a_generator_dropped_with_a_block_open_leaves_other_contexts_alone() -> None:
    def hold() -> Iterator[None]:
        with tags(feature="held"):
            yield

    held = hold()
    thread = threading.Thread(target=next, args=(held,))
    thread.start()
    thread.join()
    with tags(feature="mine"):
        del held
        gc.collect()
        assert now() == {"feature": "mine"}


@pytest.mark.parametrize("value", ["", " ", "x" * 129, "a\nb", "\x00", "\ud800", 1.5, True, b"x"])
def test_a_bad_value_is_dropped_and_counted(value: object) -> None:
    with tags(feature=value, tenant="acme"):  # type: ignore[arg-type] # that is the point
        assert now() == {"tenant": "acme"}
    assert faults.counts() == {"tag": 1}


class Feature(str, Enum):
    SEARCH = "search"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 128, "x" * 128),
        (" padded ", "padded"),
        ('"><script>', '"><script>'),
        ("Größe 大", "Größe 大"),
        (42, "42"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Feature.SEARCH, "search"),
    ],
)
def test_a_good_value_is_text(value: str, text: str) -> None:
    with tags(tenant=value):
        assert now() == {"tenant": text}


@given(st.one_of(st.text(), st.integers(), st.binary(), st.none(), st.floats()))
def test_no_value_makes_it_raise(value: str) -> None:
    with tags(feature=value):
        assert all(0 < len(text) <= 128 for text in now().values())
    faults.reset()


def test_tags_stay_out_of_baggage() -> None:
    with tags(feature="search"):
        assert baggage.get_all() == {}
