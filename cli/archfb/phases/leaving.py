"""Work that is interrupted just as it ends: what has been paid for is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

T = TypeVar("T")

LAST_WORD = 0.1
"""Seconds in which an answer that has come, and is not taken in yet, is stored before an interrupted run leaves."""


async def ended(work: Coroutine[Any, Any, T], patience: float = LAST_WORD) -> T:
    """Return what the work returns. Where this is cancelled the work has `patience` seconds to end by itself."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=patience)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
