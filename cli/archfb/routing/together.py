"""What several calls want of the store at once is done in one transaction.

A transaction costs as much as what is written in it. With one call in flight there is nothing to share and nothing
is waited for; with more, those whose answers arrived in the same turn of the loop are written together.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.store import Store

T = TypeVar("T")

MOST = 32
"""Things done in one transaction: other processes wait for its end, some milliseconds."""


class Together:
    """Collects what is to be done with a store until the loop turns."""

    def __init__(self, store: Store) -> None:
        """Begin with nothing waiting."""
        self._store = store
        self._waiting: list[tuple[asyncio.Future[Any], Callable[[], Any]]] = []
        self.calls = 0
        """Calls that are under way; with one alone nothing is collected."""

    async def do(self, work: Callable[[], T]) -> T:
        """Return what some work with the store returns, or raise what it raises.

        It is done also where who wanted it is cancelled meanwhile.
        """
        if self.calls <= 1 and not self._waiting:
            return work()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._turn)
        self._waiting.append((done, work))
        return await done

    def _turn(self) -> None:
        now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        try:
            results = self._store.together([work for _, work in now])
        except Exception:  # noqa: BLE001 - one of them failed, and each hears of its own failure alone
            for done, work in now:
                _alone(done, work)
        else:
            for (done, _), result in zip(now, results, strict=True):
                if not done.done():
                    done.set_result(result)


def _alone(done: asyncio.Future[Any], work: Callable[[], Any]) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
        if not done.done():
            done.set_exception(error)
    else:
        if not done.done():
            done.set_result(result)
