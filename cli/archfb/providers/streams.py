"""Connections for the HTTP library, on asyncio's transports: its own ones take a third of a call's time.

What it writes before it reads goes out at once: it writes a request's head and body apart, and each write is a
system call and a packet. The methods are those of its network backends and streams; failures are the system's own
errors, as `network` names them.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

FULL = 262_144
"""Bytes received and not read, from which the sender is made to wait."""
ENDING = 0.1
"""Seconds that an aborted connection may take to be gone."""
EYEBALLS = 0.25
"""Seconds until a second address of a host is tried beside the first (RFC 8305, section 8)."""


class Stream(asyncio.Protocol):
    """One connection, with or without TLS."""

    def __init__(self) -> None:
        """Wait for the connection."""
        self._transport: asyncio.Transport | None = None
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

    def data_received(self, data: bytes) -> None:
        """Keep what arrived, and make the sender wait where that is much."""
        self._arrived.append(data)
        self._size += len(data)
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

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - its interface
        """Return what has arrived, b"" at the end. Raises OSError where the connection broke."""
        self._flush()
        if not self._arrived and not self._ended:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._waiting
            finally:
                self._waiting = None
        return self._take(max_bytes)

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

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Keep bytes until the answer is waited for; a failure to send them shows then."""
        if buffer:
            self._unsent.append(buffer)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()
            # A connection whose TLS failed is told its end before this, or never.
            await asyncio.wait({self._lost}, timeout=ENDING)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Self:
        """Speak TLS from here on. Raises OSError, ssl.SSLError among them."""
        self._flush()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                self._transport = await loop.start_tls(
                    cast("asyncio.Transport", self._transport), self, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            raise _late(server_hostname or "") from error
        return self

    def get_extra_info(self, info: str) -> Any:
        """Return what the library asks of a connection; an unused one that can be read has ended."""
        if info == "is_readable":
            return self._ended or bool(self._arrived)
        names = {"ssl_object": "ssl_object", "client_addr": "sockname", "server_addr": "peername", "socket": "socket"}
        return self._transport.get_extra_info(names[info]) if self._transport and info in names else None


class Backend:
    """Opens streams."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - its interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> Stream:
        """Return a connection to a host. Raises OSError; ETIMEDOUT where it did not answer in time."""
        loop = asyncio.get_running_loop()
        local = (local_address, 0) if local_address else None
        try:
            async with asyncio.timeout(timeout):
                _, stream = await loop.create_connection(
                    Stream, host, port, local_addr=local, happy_eyeballs_delay=EYEBALLS
                )
        except TimeoutError as error:
            raise _late(host) from error
        return stream

    async def connect_unix_socket(self, path: str, timeout: float | None = None, **_: Any) -> Stream:  # noqa: ASYNC109
        """Return a connection to a socket of this machine."""
        async with asyncio.timeout(timeout):
            made = await asyncio.get_running_loop().create_unix_connection(Stream, path)
        return made[1]

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


def _late(host: str) -> OSError:
    return OSError(errno.ETIMEDOUT, f"{host} did not answer")
