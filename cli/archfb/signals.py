"""Ctrl-C, SIGTERM and SIGHUP: the program stops within a second, whatever it is doing."""

from __future__ import annotations

import os
import signal
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

GRACE = 0.5
"""Seconds that a cancelled task has to give its leases back before its code is interrupted."""

FORCE = 0.35
"""Seconds from that interruption until the process ends without further courtesy."""


@contextmanager
def awake_for_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let every signal wake the loop; one that comes just before the loop begins to wait would be heard late."""
    import socket

    hears, tells = socket.socketpair()
    hears.setblocking(False)
    tells.setblocking(False)
    before = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    loop.add_reader(hears, hears.recv, 64)
    try:
        yield
    finally:
        loop.remove_reader(hears)
        signal.set_wakeup_fd(before)
        hears.close()
        tells.close()


class Signals:
    """Turns the first stopping signal into a cancelled task or a KeyboardInterrupt, and sees to it that it works."""

    def __init__(self) -> None:
        """Start with no signal received."""
        self.received: int | None = None
        self._before: dict[int, Any] = {}
        self._cancel: Callable[[], object] | None = None
        self._alarms = 0

    @property
    def exit_code(self) -> int | None:
        """Return 128 + the signal that came, or None."""
        return None if self.received is None else 128 + self.received

    def __enter__(self) -> Signals:
        """Take over the handlers; SIGHUP and SIGTERM stay ignored where the caller ignores them (nohup).

        SIGINT does not: shells ignore it for every job in the background, and who sends it there means it.
        """
        for number in STOPPING:
            if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the handlers back."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine; a stopping signal cancels it. Returns its result, raises KeyboardInterrupt."""
        with closing(work):
            import asyncio

            try:
                with asyncio.Runner() as runner:
                    return runner.run(self._cancellable(work))
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
            finally:
                self._cancel = None

    async def _cancellable(self, work: Coroutine[Any, Any, Any]) -> Any:
        import asyncio

        task: asyncio.Task[Any] | None = asyncio.current_task()
        loop = asyncio.get_running_loop()
        if task is not None:
            cancel = task.cancel
            self._cancel = lambda: loop.call_soon_threadsafe(cancel)
        if self.received is not None:
            work.close()
            raise KeyboardInterrupt
        with awake_for_signals(loop):
            return await work

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self.received is not None:
            return
        self.received = number
        signal.signal(signal.SIGALRM, self._insist)
        signal.setitimer(signal.ITIMER_REAL, GRACE, FORCE)
        if self._cancel is None:
            raise KeyboardInterrupt
        self._cancel()

    def _insist(self, *_: object) -> None:
        self._alarms += 1
        if self._alarms == 1:
            raise KeyboardInterrupt
        os._exit(128 + (self.received or signal.SIGINT))
