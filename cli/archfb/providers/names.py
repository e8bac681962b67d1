"""Host names looked up before connecting, in threads that nobody waits for.

asyncio looks names up in its executor, which the end of the loop waits for: with a dead name server a call that gave
up after its time-out would still keep the process for the resolver's own, a minute and more. Here the thread is a
daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

REMEMBERED = 30.0
"""Seconds for which a name that was found is not looked up again."""

Resolve = Callable[[str, int], Any]


def _system(host: str, port: int) -> Any:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Names:
    """Knows which names were found lately."""

    def __init__(self, clock: Callable[[], float], resolve: Resolve | None = None) -> None:
        """Take a clock (seconds) and what looks a name up, raising OSError."""
        self._clock, self._resolve = clock, resolve or _system
        self._found: dict[str, float] = {}

    async def check(self, host: str, port: int) -> None:
        """Return once a host name has an address; raises OSError (socket.gaierror) where it has none."""
        known = self._found.get(host)
        if _literal(host) or (known is not None and self._clock() - known < REMEMBERED):
            return
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[None] = loop.create_future()
        threading.Thread(target=self._look, args=(loop, answer, host, port), daemon=True).start()
        await answer
        self._found[host] = self._clock()

    def _look(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[None], host: str, port: int) -> None:
        failure: OSError | None = None
        try:
            self._resolve(host, port)
        except OSError as error:
            failure = error
        except UnicodeError:
            failure = socket.gaierror(socket.EAI_NONAME, "no host name")
        # Whoever asked may have given up, and the loop may be gone.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, answer, failure)


def _settle(answer: asyncio.Future[None], failure: OSError | None) -> None:
    if answer.done():
        return
    if failure is None:
        answer.set_result(None)
    else:
        answer.set_exception(failure)


@lru_cache(maxsize=256)
def _literal(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
