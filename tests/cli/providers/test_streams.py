"""The connections under HTTP: what is sent at once, how they end, TLS through a proxy."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
import struct
import warnings
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from asking import ROOM, serving, target_at
from processes import PATIENCE
from scripted_server import ScriptedServer, refused_port

from archfb.providers.exchange import Question
from archfb.providers.streams import FULL, Stream, connect
from archfb.providers.transport import Transport

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def against(serve: Serve, use: Callable[[Stream], Awaitable[object]]) -> object:
    """Serve one port while a connection to it is used."""

    async def main() -> object:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            stream = await connect("127.0.0.1", server.sockets[0].getsockname()[1], None, PATIENCE)
            try:
                return await asyncio.wait_for(use(stream), PATIENCE)
            finally:
                await stream.aclose()

    return asyncio.run(main())


async def failure(work: Awaitable[object]) -> int | None:
    """Return the errno with which something fails, None where it does not."""
    try:
        await work
    except OSError as error:
        return error.errno
    return None


def test_what_is_written_before_a_read_goes_out_at_once() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(65536))
        writer.write(b"answer")
        writer.close()

    async def use(stream: Stream) -> list[bytes]:
        for part in (b"head ", b"", b"body"):
            stream.write(part)
        assert stream.idle
        got = [await stream.read(4), await stream.read(4), await stream.read(4)]
        assert not stream.idle
        return got

    assert against(serve, use) == [b"answ", b"er", b""]
    assert seen == [b"head body"]


def test_a_sender_that_is_not_read_is_made_to_wait() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for _ in range(200):
                writer.write(b"x" * 100_000)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def use(stream: Stream) -> tuple[int, int]:
        first = await stream.read(10)
        await asyncio.sleep(0.1)
        held, rest = stream._size, len(first)
        while data := await stream.read(65536):
            rest += len(data)
        return held, rest

    held, total = against(serve, use)  # type: ignore[misc]
    assert held <= 3 * FULL
    assert total == 20_000_000


def test_a_reset_is_the_systems_own_error() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        no_lingering = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
        writer.transport.abort()

    async def use(stream: Stream) -> int | None:
        stream.write(b"more")
        await asyncio.sleep(0.05)
        return await failure(stream.read(10))

    assert against(serve, use) in {errno.ECONNRESET, errno.EPIPE}


def test_nobody_there_and_nobody_answering_have_their_own_errors() -> None:
    async def tried(seconds: float) -> int | None:
        return await failure(connect("127.0.0.1", refused_port(), None, seconds))

    assert asyncio.run(tried(PATIENCE)) == errno.ECONNREFUSED
    assert asyncio.run(tried(0)) == errno.ETIMEDOUT


def test_no_socket_is_lost_at_whatever_moment_connecting_is_cancelled() -> None:
    async def cancelled(port: int, turns: int) -> None:
        task = asyncio.create_task(connect("127.0.0.1", port, None, PATIENCE))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await (await task).aclose()

    async def main(port: int) -> None:
        for turns in range(30):
            await cancelled(port, turns)

    with socket.create_server(("127.0.0.1", 0), backlog=100) as server, warnings.catch_warnings(record=True) as lost:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(main(server.getsockname()[1]))
        gc.collect()
    assert [str(one.message) for one in lost] == []


def test_tls_is_spoken_through_a_proxys_tunnel(certificates: dict[str, Path]) -> None:
    heads: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head.split(b"\r\n")[0])
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        up, down = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(pass_on(reader, down), pass_on(up, writer), return_exceptions=True)

    async def main() -> list[str]:
        async with ScriptedServer({"default": {"text": "by tunnel"}}, tls=serving(certificates, "valid")) as server:
            proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
            async with proxy:
                environ = {
                    "HTTPS_PROXY": f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}",
                    "SSL_CERT_FILE": str(certificates["valid"]),
                }
                async with Transport(environ=environ) as transport:
                    replies = [await transport.ask(target_at(server.url), Question("hi"), ROOM) for _ in range(2)]
            return [f"{reply.outcome} {reply.text}" for reply in replies]

    assert asyncio.run(main()) == ["ok by tunnel"] * 2
    assert [head.split(b" ")[0] for head in heads] == [b"CONNECT"]
