"""HTTP/1.1 without a socket: what is sent, what is read at any cut, what is refused; h11 reads beside it."""

from __future__ import annotations

from dataclasses import dataclass

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.providers.http1 import (
    HEAD_LIMIT,
    LINE_LIMIT,
    Address,
    ProtocolError,
    ResponseParser,
    Unsendable,
    request_bytes,
)

PLACE = Address(host="127.0.0.1", port=8080, authority="127.0.0.1:8080", target="/v1/x?y=z")
HEAD = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True)
class Read:
    """What a reader made of some bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    ended: bool
    """The response is known to be whole."""
    reusable: bool


def read(data: bytes, cuts: tuple[int, ...] = (), *, closed: bool = False) -> Read:
    """Read a response that arrives cut at some places, and where `closed` the end of its connection."""
    parser, body, begin = ResponseParser(), b"", 0
    for end in (*sorted(cuts), len(data)):
        if data[begin:end]:
            body += parser.feed(data[begin:end])
        begin = end
    if closed:
        parser.eof()
    return Read(parser.status, parser.headers, body, parser.done, parser.reusable)


def by_h11(data: bytes, *, closed: bool) -> Read:
    """Read the same with h11. Raises h11.RemoteProtocolError."""
    connection, body, head = h11.Connection(h11.CLIENT, HEAD_LIMIT), b"", None
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    if closed:
        connection.receive_data(b"")
    while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            break
    headers: dict[str, str] = {}
    for name, value in head.headers if head else ():
        key, text = name.decode(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    if b"2, 2" in data:
        headers["content-length"] = "2, 2"  # h11 tells what it made of it
    ended = connection.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
    return Read(head.status_code if head else 0, headers, body, ended, connection.their_state is h11.DONE)


def test_a_request_is_written_whole() -> None:
    headers = {"authorization": "Bearer k", "accept": "*/*"}
    assert request_bytes("POST", PLACE, headers, b"{}") == (
        b"POST /v1/x?y=z HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nauthorization: Bearer k\r\naccept: */*\r\n"
        b"content-length: 2\r\n\r\n{}"
    )
    assert request_bytes("GET", PLACE, {}, None) == b"GET /v1/x?y=z HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n"


def test_h11_reads_the_request_as_it_was_meant() -> None:
    server = h11.Connection(h11.SERVER)
    server.receive_data(request_bytes("POST", PLACE, {"x-a": "b c"}, b"{}"))
    request, data = server.next_event(), server.next_event()
    assert isinstance(request, h11.Request)
    assert isinstance(data, h11.Data)
    assert (request.method, request.target, bytes(data.data)) == (b"POST", b"/v1/x?y=z", b"{}")
    assert dict(request.headers)[b"x-a"] == b"b c"


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [
        ("/x", "a", "1\r\nb: 2"),
        ("/x", "a", "1\nb"),
        ("/x", "a", "\0"),
        ("/x", "a", "ключ"),
        ("/x", "a b", "1"),
        ("/x", "", "1"),
        ("/x y", "a", "1"),
        ("/x\r\n", "a", "1"),
        ("", "a", "1"),
    ],
)
def test_what_would_be_read_as_another_request_is_not_written(target: str, name: str, value: str) -> None:
    with pytest.raises(Unsendable, match="illegal"):
        request_bytes("GET", PLACE._replace(target=target), {name: value}, None)


CASES = {
    "a length": HEAD + b"Content-Length: 2\r\n\r\nok",
    "no body": HEAD + b"content-length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
    "lengths that agree": HEAD + b"content-length: 2, 2\r\n\r\nok",
    "chunks": HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\no\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    "chunks with trailers": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx: y\r\nz: w\r\n\r\n",
    "chunks before a length": HEAD + b"content-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "until the end": HEAD + b"content-type: text/plain\r\n\r\nok",
    "to be closed": HEAD + b"connection: Close\r\ncontent-length: 2\r\n\r\nok",
    "an old server": b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "no reason": b"HTTP/1.1 404\r\ncontent-length: 0\r\n\r\n",
    "an empty reason": b"HTTP/1.1 404 \r\ncontent-length: 0\r\n\r\n",
    "bare line ends": b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    "remarks before": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n" + HEAD
    + b"content-length: 1\r\n\r\nx",
    "white space": HEAD + b"a: \t b c \t\r\nd:\r\ncontent-length: 0\r\n\r\n",
    "names twice": HEAD + b"a: b\r\nA: c\r\ncontent-length: 0\r\n\r\n",
    "a folded line": HEAD + b"a: b\r\n  c\r\ncontent-length: 0\r\n\r\n",
    "bytes beyond ASCII": HEAD + b"a: \xe4\r\ncontent-length: 0\r\n\r\n",
    "something after": HEAD + b"content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
}  # fmt: skip


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("data", CASES.values(), ids=CASES)
def test_a_response_is_read_as_h11_reads_it(data: bytes, closed: bool) -> None:
    theirs = by_h11(data, closed=closed)
    ours = read(data, closed=closed)
    assert (ours.status, ours.headers, ours.body, ours.ended) == (
        theirs.status, theirs.headers, theirs.body, theirs.ended,
    )  # fmt: skip
    if not closed and not data.endswith(b"OK\r\n"):
        assert ours.reusable == theirs.reusable


@pytest.mark.parametrize("data", CASES.values(), ids=CASES)
def test_where_the_bytes_were_cut_changes_nothing(data: bytes) -> None:
    whole = read(data)
    assert all(read(data, (at,)) == whole for at in range(1, len(data)))
    assert read(data, tuple(range(1, len(data)))) == whole


def test_something_after_a_response_ends_the_connection() -> None:
    assert not read(CASES["something after"]).reusable


def test_names_of_codings_have_no_case() -> None:
    assert read(CASES["chunks with trailers"].replace(b": chunked", b": Chunked")).body == b"ok"


REFUSED = {
    "another protocol": b"SSH-2.0-x\r\n",
    "half a status line": b"HTTP/1.1\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "an unasked change": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
    "a header behind a return in the status line": b"HTTP/1.1 200 OK\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "NUL in the status line": b"HTTP/1.1 200 O\0K\r\ncontent-length: 0\r\n\r\n",
    "no colon": HEAD + b"a b\r\n\r\n",
    "a space before the colon": HEAD + b"a : b\r\n\r\n",
    "a folded line first": HEAD + b" a: b\r\n\r\n",
    "NUL": HEAD + b"a: b\0\r\n\r\n",
    "a return within": HEAD + b"a: b\rc\r\n\r\n",
    "lengths that disagree": HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok",
    "a negative length": HEAD + b"content-length: -2\r\n\r\nok",
    "a signed length": HEAD + b"content-length: +2\r\n\r\nok",
    "an empty length": HEAD + b"content-length:\r\n\r\nok",
    "another coding": HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n",
    "two codings": HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
    "a chunk without size": HEAD + b"transfer-encoding: chunked\r\n\r\n\r\nok",
    "a signed chunk": HEAD + b"transfer-encoding: chunked\r\n\r\n-2\r\nok",
    "a chunk longer than it said": HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
    "an endless chunk header": HEAD + b"transfer-encoding: chunked\r\n\r\n1;" + b"x" * LINE_LIMIT,
    "an endless head": HEAD + b"a: " + b"x" * HEAD_LIMIT,
    "an endless whole head": HEAD + b"a: " + b"x" * HEAD_LIMIT + b"\r\n\r\n",
    "endless trailers": HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"a: bcdefgh\r\n" * (HEAD_LIMIT // 8),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_for_certain_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "Server disconnected without sending a response."),
        (b"HTT", "illegal status line"),
        (HEAD, "illegal status line"),
        (HEAD + b"content-length: 3\r\n\r\nok", "ended before the response did"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n", "ended before the response did"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", "ended before the response did"),
    ],
)
def test_an_end_that_comes_too_early_is_told(data: bytes, told: str) -> None:
    with pytest.raises(ProtocolError, match=told):
        read(data, closed=True)


PIECES = st.lists(
    st.sampled_from(
        b"HTTP/1.1 200 OK|HTTP/1.0 500 x|\r\n|\n|\r|content-length: |transfer-encoding: chunked|connection: close"
        b"|a: b| |\t|,|0|1|2|a|;|\0|ok|:|\xff".split(b"|")
    ),
    max_size=24,
).map(b"".join)


@given(st.one_of(PIECES, PIECES.map(lambda rest: HEAD + rest)), st.booleans())
def test_whatever_comes_nothing_is_read_that_h11_reads_differently(data: bytes, closed: bool) -> None:
    try:
        ours = read(data, closed=closed)
    except ProtocolError:
        return
    if ours.status:
        theirs = by_h11(data, closed=closed)
        assert (ours.status, ours.body) == (theirs.status, theirs.body)
