"""Several calls' work with the store in one transaction: what each gets, and what a failure does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from archfb.routing.together import MOST, Together


class Counting:
    """The part of a store that is needed: it keeps what was done in which transaction, and undoes what fails."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.sizes: list[int] = []

    def together(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        before = list(self.kept)
        self.sizes.append(len(works))
        try:
            return [work() for work in works]
        except BaseException:
            self.kept[:] = before
            raise

    def keep(self, name: str) -> str:
        self.kept.append(name)
        return name.upper()


def test_one_call_alone_waits_for_nobody() -> None:
    store = Counting()
    together = Together(store)  # type: ignore[arg-type]
    together.calls = 1
    turn = together.do(lambda: store.keep("a"))
    with pytest.raises(StopIteration) as done:  # no loop is running: it ends without having waited
        turn.send(None)
    assert done.value.value == "A"
    assert (store.kept, store.sizes) == (["a"], [])


def test_what_comes_in_one_turn_is_done_at_once_and_in_order() -> None:
    store, names = Counting(), [f"n{n}" for n in range(2 * MOST + 3)]

    async def main() -> list[str]:
        together = Together(store)  # type: ignore[arg-type]
        together.calls = len(names)
        return await asyncio.gather(*(together.do(lambda name=name: store.keep(name)) for name in names))  # type: ignore[misc]

    assert asyncio.run(main()) == [name.upper() for name in names]
    assert store.kept == names
    assert store.sizes == [MOST, MOST, 3]


def test_a_failure_is_heard_by_who_asked_for_it_and_the_others_are_done_all_the_same() -> None:
    store = Counting()

    def fail() -> str:
        raise LookupError("no")

    async def main() -> list[Any]:
        together = Together(store)  # type: ignore[arg-type]
        together.calls = 3
        works = [lambda: store.keep("a"), fail, lambda: store.keep("b")]
        return await asyncio.gather(*map(together.do, works), return_exceptions=True)

    first, second, third = asyncio.run(main())
    assert (first, third) == ("A", "B")
    assert isinstance(second, LookupError)
    assert store.kept == ["a", "b"]


def test_what_a_cancelled_call_wanted_is_done_before_what_it_wants_then() -> None:
    store = Counting()

    async def main() -> None:
        together = Together(store)  # type: ignore[arg-type]
        together.calls = 2

        async def call() -> None:
            try:
                await together.do(lambda: store.keep("begun"))
            except asyncio.CancelledError:
                await together.do(lambda: store.keep("ended"))
                raise

        for turns in range(3):
            task = asyncio.ensure_future(call())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert store.kept == ["begun", "ended"] * 2
