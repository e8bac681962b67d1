"""One request at a time over one connection of `streams`, kept for the next one to the same place.

A general client brings a pool, its locks and a second asynchronous framework: two thirds of a call's time, and 40 ms
of the first one. Nothing of that is needed where each request in flight has a connection to itself.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archfb.providers.http1 import Address, ResponseParser, request_bytes
from archfb.providers.streams import connect

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping

    from archfb.providers.streams import Stream

KEEP_ALIVE = 4.0
"""Seconds an unused connection is kept: common servers close theirs after five."""
CHUNK = 65_536
"""Bytes read at once."""


class Connection:
    """Sends requests to one place, each after the last one's response is closed; connects when it has to.

    Raises OSError and ssl.SSLError as the system does, ProtocolError and Unsendable.
    """

    def __init__(self, trust: ssl.SSLContext | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Connect to nothing yet. `trust` is None for plain http; `clock` is in seconds."""
        if trust is not None:
            trust.set_alpn_protocols(["http/1.1"])
        self._trust, self._clock = trust, clock
        self._stream: Stream | None = None
        self._expires_at = 0.0

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, connect_s: float | None
    ) -> Response:
        """Send a request and return its response once the head is there."""
        where = address(url)
        data = request_bytes(method, where, headers, content)
        stream = await self._ready(where, connect_s)
        response = Response(self, stream)
        try:
            stream.write(data)
            await response.begin()
        except BaseException:
            await self.aclose()
            raise
        return response

    async def _ready(self, where: Address, connect_s: float | None) -> Stream:
        """Return the connection that was kept, if it is still good, else a new one."""
        if self._stream is not None and self._stream.idle and self._clock() < self._expires_at:
            return self._stream
        await self.aclose()
        self._stream = await connect(where.host, where.port, self._trust, connect_s)
        return self._stream

    async def ended(self, *, reusable: bool) -> None:
        """Keep the connection for the next request where this one's response was read to its end."""
        if reusable:
            self._expires_at = self._clock() + KEEP_ALIVE
        else:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()


class Response:
    """One response: `status` and `headers` (lower-case names) are there, the body is read from `parts`."""

    def __init__(self, connection: Connection, stream: Stream) -> None:
        """Wait for the head."""
        self._connection, self._stream = connection, stream
        self._parser = ResponseParser()
        self._first = b""
        self._open = True

    @property
    def status(self) -> int:
        """Return the status."""
        return self._parser.status

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers; values of one name are joined by commas."""
        return self._parser.headers

    @property
    def done(self) -> bool:
        """Say whether the body was received to its end."""
        return self._parser.done

    async def begin(self) -> None:
        """Receive the head. Raises ProtocolError and OSError."""
        parser, stream = self._parser, self._stream
        while not parser.status:
            data = await stream.read(CHUNK)
            if not data:
                parser.eof()
            self._first = parser.feed(data)

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the body as it was sent, still compressed. Raises ProtocolError and OSError."""
        parser, stream = self._parser, self._stream
        if self._first:
            first, self._first = self._first, b""
            yield first
        while not parser.done:
            data = await stream.read(CHUNK)
            if not data:
                parser.eof()
                return
            body = parser.feed(data)
            if body:
                yield body

    async def aclose(self) -> None:
        """Give the connection back."""
        if self._open:
            self._open = False
            await self._connection.ended(reusable=self._parser.reusable)


@lru_cache(maxsize=256)
def address(url: str) -> Address:
    """Return where a request for an address goes; the configuration has refused what is no address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.hostname or "", port, parts.netloc, target)
