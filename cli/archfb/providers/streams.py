"""Connections on asyncio's transports, with or without TLS.

What is written before a read goes out at once: a request's head and body are written apart, and each write is a
system call and a packet. Failures are the system's own errors, as `network` names them.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import ssl

ROOM = 32_768
"""Bytes taken from the system at once."""
FULL = 262_144
"""Bytes received and not read, from which the sender is made to wait."""
ENDING = 0.1
"""Seconds that an aborted connection may take to be gone."""
EYEBALLS = 0.25
"""Seconds until a second address of a host is tried beside the first (RFC 8305, section 8)."""


class Stream(asyncio.BufferedProtocol):
    """One connection, with or without TLS.

    It gives the loop one buffer for all that arrives: the loop's own way takes new memory of a quarter of a megabyte
    from the system for each read, and gives it back.
    """

    def __init__(self) -> None:
        """Wait for the connection."""
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(ROOM))  # TLS writes into parts of it
        self._arrived: deque[bytes] = deque()
        self._size = 0
        self._unsent: list[bytes] = []
        self._paused = self._ended = False
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop asks so
        """Return where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Keep what arrived, and make the sender wait where that is much."""
        self._arrived.append(bytes(self._buffer[:nbytes]))
        self._size += nbytes
        if self._size > FULL and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Note that nothing more will come."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and why."""
        self._ended, self._error = True, self._error or exc
        if not self._lost.done():
            self._lost.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _flush(self) -> None:
        if self._unsent and self._transport is not None:
            data = self._unsent[0] if len(self._unsent) == 1 else b"".join(self._unsent)
            self._unsent.clear()
            self._transport.write(data)

    async def read(self, most: int) -> bytes:
        """Return up to so many bytes of what has arrived, b"" at the end. Raises OSError where it broke."""
        self._flush()
        if not self._arrived and not self._ended:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._take(most)

    def _take(self, most: int) -> bytes:
        if not self._arrived:
            if self._error is not None:
                raise self._error
            return b""
        data = self._arrived.popleft()
        if len(data) > most:
            self._arrived.appendleft(data[most:])
            data = data[:most]
        self._size -= len(data)
        if self._paused and self._size < FULL // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Keep bytes until the answer is waited for; a failure to send them shows then."""
        if data:
            self._unsent.append(data)

    @property
    def idle(self) -> bool:
        """Whether an unused connection is still good: nothing came over it, not even its end."""
        return not self._ended and not self._arrived

    async def aclose(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()
            # A connection whose TLS failed is told its end before this, or never.
            await asyncio.wait({self._lost}, timeout=ENDING)


async def connect(host: str, port: int, trust: ssl.SSLContext | None, seconds: float | None) -> Stream:
    """Return a connection to a host, with TLS where there is a context for it.

    Raises OSError, ssl.SSLError among them; ETIMEDOUT where the host was not there within so many seconds.
    """
    loop = asyncio.get_running_loop()
    # An address is one alone. The race of several loses a socket where it is cancelled at its end.
    delay = None if ":" in host or host.replace(".", "").isdigit() else EYEBALLS
    name = host if trust else None
    try:
        async with asyncio.timeout(seconds):
            made = await loop.create_connection(
                Stream, host, port, ssl=trust, server_hostname=name, happy_eyeballs_delay=delay
            )
    except TimeoutError as error:
        raise OSError(errno.ETIMEDOUT, f"{host} did not answer") from error
    return made[1]
