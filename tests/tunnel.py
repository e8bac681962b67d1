"""A proxy on a loopback socket that tunnels by CONNECT to this machine, whatever host is named, or refuses to."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self


class Tunnel:
    """An asynchronous context manager; `heads` are what was asked of it, `status` what it answers unless `user` is
    wanted and given.
    """

    def __init__(self, status: str = "200 Connection established", user: bytes | None = None) -> None:
        self.status, self.user = status, user
        self.heads: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.place = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # a transport that was told to close does so one turn of the loop later

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._one(reader, writer)
        finally:
            writer.transport.abort() if task.cancelling() else writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        status = "407 Proxy Authentication Required" if self.user and self.user not in head else self.status
        if not status:
            return
        length = "" if status.startswith("200") else "Content-Length: 0\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{length}\r\n".encode())
        if status.startswith("200"):
            port = int(head.split()[1].rpartition(b":")[2])
            far_reader, far = await asyncio.open_connection("127.0.0.1", port)
            ways = [asyncio.ensure_future(_pipe(reader, far)), asyncio.ensure_future(_pipe(far_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                far.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
