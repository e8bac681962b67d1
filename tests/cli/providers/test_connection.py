"""HTTP/1.1 over one connection: when it is kept, when a new one is made, and what a server may do to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from processes import PATIENCE

from archfb.providers.connection import KEEP_ALIVE, Connection
from archfb.providers.http1 import HEAD_LIMIT, ProtocolError, Unsendable

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Asked = Callable[[Connection, str], Awaitable[object]]


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class Place:
    """A server that gives each request the next of some answers, b"" closing the connection, and counts."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self.answers:
            try:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            await reader.readexactly(int(self.heads[-1].lower().partition(b"content-length: ")[2].split(b"\r")[0]))
            answer = self.answers.pop(0)
            writer.write(answer)
            if not answer or b"connection: close" in answer:
                break
        writer.close()

    def asked(self, use: Asked, clock: Clock | None = None) -> object:
        """Serve while a connection is used."""

        async def main() -> object:
            server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
            connection = Connection(None, clock or Clock())
            async with server:
                try:
                    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a?b=c"
                    return await asyncio.wait_for(use(connection, url), PATIENCE)
                finally:
                    await connection.aclose()

        return asyncio.run(main())


async def ask(connection: Connection, url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Post something and return status and body."""
    response = await connection.send("POST", url, headers or {}, b"{}", 5.0)
    body = b"".join([part async for part in response.parts()])
    await response.aclose()
    return response.status, body


async def twice(connection: Connection, url: str) -> list[tuple[int, bytes]]:
    return [await ask(connection, url), await ask(connection, url)]


def test_the_connection_is_kept_for_the_next_request() -> None:
    place = Place(OK, OK)
    assert place.asked(twice) == [(200, b"ok")] * 2
    assert place.connections == 1
    assert [head.partition(b"\r\n")[0] for head in place.heads] == [b"POST /a?b=c HTTP/1.1"] * 2


def test_a_connection_that_was_unused_for_long_is_not_trusted() -> None:
    place, clock = Place(OK, OK), Clock()

    async def use(connection: Connection, url: str) -> None:
        await ask(connection, url)
        clock.at += KEEP_ALIVE
        await ask(connection, url)

    place.asked(use, clock)
    assert place.connections == 2


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew() -> None:
    place = Place(OK.replace(b"content", b"connection: close\r\ncontent"), OK)
    assert place.asked(twice) == [(200, b"ok")] * 2
    assert place.connections == 2


def test_a_response_that_was_not_read_to_its_end_ends_the_connection() -> None:
    place = Place(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nok", OK)

    async def use(connection: Connection, url: str) -> object:
        response = await connection.send("POST", url, {}, b"{}", 5.0)
        await response.aclose()
        await response.aclose()
        return await ask(connection, url)

    assert place.asked(use) == (200, b"ok")
    assert place.connections == 2


def test_parts_without_a_length_are_put_together_and_remarks_before_the_head_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
    assert Place(early + chunked).asked(ask) == (200, b"ok")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "Server disconnected without sending a response."),
        (b"SSH-2.0-x\r\n\r\n", "illegal status line"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * HEAD_LIMIT, "too long"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\nok", "ended before the response did"),
    ],
    ids=["nothing", "another protocol", "an endless head", "too little"],
)
def test_what_is_no_response_is_a_protocol_error(answer: bytes, told: str) -> None:
    with pytest.raises(ProtocolError, match=told):
        Place(answer).asked(ask)


def test_a_header_that_cannot_be_sent_is_refused_before_anything_is() -> None:
    place = Place(OK)

    async def use(connection: Connection, url: str) -> object:
        return await ask(connection, url, {"x-key": "a\nb"})

    with pytest.raises(Unsendable):
        place.asked(use)
    assert place.heads == []
