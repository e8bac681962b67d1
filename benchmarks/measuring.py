"""How calls are measured, the same way for every peer: so many always in flight, for so many seconds."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Call = Callable[[int], Awaitable[None]]


WARM = 0.5
"""Seconds: some peers load and look up much with their first calls."""


class Rate(NamedTuple):
    """Calls a second, and milliseconds of CPU each."""

    a_second: float
    cpu_ms: float


async def measure(call: Call, slots: int, seconds: float) -> Rate:
    """Return the rate of a call with so many always in flight, after `WARM` seconds of the same unmeasured."""
    done = 0

    async def keep_asking(slot: int, until: float) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await call(slot)
            done += 1

    async def all_slots(seconds: float) -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(keep_asking(slot, until) for slot in range(slots)))

    await asyncio.gather(*(call(slot) for slot in range(slots)))
    await all_slots(WARM)
    done, began, cpu = 0, time.perf_counter(), time.process_time()
    await all_slots(seconds)
    took = time.perf_counter() - began
    return Rate(done / took, 1000 * (time.process_time() - cpu) / done)
