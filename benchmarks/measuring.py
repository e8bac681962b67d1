"""How calls are measured, the same way for every peer: so many always in flight, for so many seconds."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Call = Callable[[int], Awaitable[None]]


class Rate(NamedTuple):
    """Calls a second, and milliseconds of CPU each."""

    a_second: float
    cpu_ms: float


async def measure(call: Call, slots: int, seconds: float) -> Rate:
    """Return the rate of a call with so many always in flight, after one unmeasured call of each."""
    await asyncio.gather(*(call(slot) for slot in range(slots)))
    done = 0
    began, cpu, until = time.perf_counter(), time.process_time(), time.perf_counter() + seconds

    async def keep_asking(slot: int) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await call(slot)
            done += 1

    await asyncio.gather(*(keep_asking(slot) for slot in range(slots)))
    took = time.perf_counter() - began
    return Rate(done / took, 1000 * (time.process_time() - cpu) / done)
