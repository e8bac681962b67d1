"""One call at a time for one answer: runs that go on at once, in processes of their own, do not buy it twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from archfb_state.storage.claims import ANSWER
from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Literal, TypeVar

    from archfb_state.store import Lease, Store

    T = TypeVar("T")

LEASE_S = 15.0
"""Seconds that a claim holds by itself, as of a process that was stopped. In a state file one whose process was
killed is taken over at once; in a state that many machines share it ends by time alone."""

RENEWED_S = 5.0
"""Seconds after which it is renewed while its call is under way."""

LOOKED_S = 0.25
"""Seconds between two looks for an answer that another run is getting."""

TROUBLE = (StoreBusy, StoreUnusable, OSError)


async def alone(
    store: Store, key: str, found: Callable[[], T | None], get: Callable[[], Awaitable[T]], waits: Callable[[], None]
) -> T:
    """Return what another run gets meanwhile and `found` returns then, else what this one gets itself.

    `waits` is told once where another is getting it. A state that cannot be written claims nothing.
    """
    lease, waited = _claim(store, key), False
    while lease is None:
        if not waited:
            waits()
        waited = True
        await asyncio.sleep(LOOKED_S)
        if (its := found()) is not None:
            return its
        lease = _claim(store, key)
    if lease is False:
        return await get()
    try:
        # It may have come since it was last looked for: a claim is given back once the answer is stored.
        its = found()
        return its if its is not None else await _renewing(store, lease, get)
    finally:
        with suppress(*TROUBLE):
            store.release(lease)


def _claim(store: Store, key: str) -> Lease | Literal[False] | None:
    """Return the claim, None where another has it, False where the state takes none."""
    try:
        return store.acquire(f"{ANSWER}{key}", LEASE_S)
    except TROUBLE:
        return False


async def _renewing(store: Store, lease: Lease, get: Callable[[], Awaitable[T]]) -> T:
    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEWED_S)
            with suppress(*TROUBLE):
                store.acquire(lease.name, LEASE_S, token=lease.token)

    renewal = asyncio.ensure_future(renew())
    try:
        return await get()
    finally:
        renewal.cancel()
