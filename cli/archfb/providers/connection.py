"""A transport of the HTTP library for one request at a time: HTTP/1.1 by h11 over one connection of `streams`.

The library's own transports bring a pool, its locks and a second asynchronous framework: half of a call's time, and
30 ms of the first one. Nothing of that is needed where each request in flight has a connection to itself.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import h11

from archfb.providers.library import httpx
from archfb.providers.streams import connect

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from archfb.providers.streams import Stream

KEEP_ALIVE = 4.0
"""Seconds an unused connection is kept: common servers close theirs after five."""
HEAD_LIMIT = 102_400
"""Bytes of a response's head."""
CHUNK = 65_536
"""Bytes read at once."""


class Connection(httpx.AsyncBaseTransport):
    """Sends requests to one place, each after the last one's response is closed; connects when it has to.

    Raises OSError and ssl.SSLError as the system does, and the library's ProtocolErrors.
    """

    def __init__(self, trust: ssl.SSLContext | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Connect to nothing yet. `trust` is None for plain http; `clock` is in seconds."""
        if trust is not None:
            trust.set_alpn_protocols(["http/1.1"])
        self._trust, self._clock = trust, clock
        self._stream: Stream | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._expires_at = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response once the head is there; the body is read from its stream."""
        stream = await self._ready(request)
        try:
            self._send(stream, request)
            head = await self._head(stream)
        except BaseException:
            await self.aclose()
            raise
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=_Body(self, stream))

    async def _ready(self, request: httpx.Request) -> Stream:
        """Return the connection that was kept, if it is still good, else a new one."""
        if self._stream is not None and self._stream.idle and self._clock() < self._expires_at:
            return self._stream
        await self.aclose()
        url = request.url
        secure = url.scheme == "https"
        self._stream = await connect(
            url.raw_host.decode("ascii"),
            url.port or (443 if secure else 80),
            self._trust,
            request.extensions.get("timeout", {}).get("connect"),
        )
        self._http = h11.Connection(h11.CLIENT, HEAD_LIMIT)
        return self._stream

    def _send(self, stream: Stream, request: httpx.Request) -> None:
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        for event in (head, h11.Data(data=request.content), h11.EndOfMessage()):
            stream.write(self._http.send(event) or b"")

    async def _head(self, stream: Stream) -> h11.Response:
        while True:
            event = await self.receive(stream)
            if isinstance(event, h11.Response):
                return event

    async def receive(self, stream: Stream) -> Any:
        """Return the next part of the response."""
        while True:
            try:
                event = self._http.next_event()
                if event is not h11.NEED_DATA:
                    return event
                data = await stream.read(CHUNK)
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
                self._http.receive_data(data)
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error

    async def ended(self) -> None:
        """Keep the connection for the next request where this one's response was read to its end."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._expires_at = self._clock() + KEEP_ALIVE
        else:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()


class _Body(httpx.AsyncByteStream):
    """The bytes of one response, as they were sent."""

    def __init__(self, connection: Connection, stream: Stream) -> None:
        self._connection, self._stream = connection, stream
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._connection.receive(self._stream), h11.Data):
            yield bytes(event.data)

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            await self._connection.ended()
