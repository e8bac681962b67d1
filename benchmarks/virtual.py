"""Virtual time for asyncio: a loop whose clock jumps to the next timer when nothing else is to be done.

An hour of calls takes seconds, and every router that runs on it sees the same instants. While work of the loop's
executors is under way the clock stands still.
"""

from __future__ import annotations

import asyncio
import selectors
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
START = 1_800_000_000.0
RESOLUTION = 1e-5
"""Seconds: what a float of today's Unix time can tell apart, and some more."""


@dataclass
class Clock:
    """Unix seconds that pass only when everybody waits. `moved` hears of each jump, in seconds."""

    at: float = START
    moved: list[Callable[[float], object]] = field(default_factory=list)

    def __call__(self) -> float:
        """Return the time."""
        return self.at

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds
        for hear in self.moved:
            hear(seconds)


class _Jumping(selectors.SelectSelector):
    """A selector that does not wait: it lets the clock jump."""

    def __init__(self, clock: Clock, looks: int) -> None:
        super().__init__()
        self._clock, self._looks = clock, looks
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(None if timeout is None else 0.02 if self.threads else 0)
        for _ in range(self._looks if timeout else 0):
            if ready:
                break
            ready = super().select(0)
        if not ready and not self.threads and timeout is not None and timeout > 0:
            self._clock.jump(max(timeout, RESOLUTION))
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop by a virtual clock."""

    def __init__(self, clock: Clock, looks: int = 0) -> None:
        """Start at the clock's time; before a jump the sockets are looked at so many times more."""
        self._virtual = clock
        self._jumping = _Jumping(clock, looks)
        super().__init__(self._jumping)
        self._clock_resolution = RESOLUTION

    def time(self) -> float:
        """Return the virtual time."""
        return self._virtual.at

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Run something in a thread, during which no time passes."""
        self._jumping.threads += 1
        work: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        work.add_done_callback(self._done)
        return work

    def _done(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


def run(clock: Clock, main: Coroutine[Any, Any, T], looks: int = 0) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock, looks)) as runner:
        return runner.run(main)
