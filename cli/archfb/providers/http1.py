"""HTTP/1.1 as a client speaks it (RFC 9112), without any socket: a request as bytes, a response from bytes.

What a general library checks of both sides, at twice the cost of everything else in a request, is checked here of one
side: a request is well-formed because this module made it. What cannot be read for certain is refused, since a length
that two readers take differently is how one answer ends up in another's place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEAD_LIMIT = 102_400
"""Bytes of a response's head, and of the trailers after its chunks."""
LINE_LIMIT = 4_096
"""Bytes of the line that begins a chunk."""

_LINE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\x20-\x7e\t]*")
_TARGET = re.compile(r"[\x21-\x7e]+")
_STATUS = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: [^\r\x00]*)?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\r\n]*?)[ \t]*", re.DOTALL)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_BLANK = re.compile(rb"\n\r?\n")
_NO_BODY = (204, 304)


class Unsendable(ValueError):
    """A request that HTTP has no way to write."""


class ProtocolError(Exception):
    """The other side does not speak HTTP as it should; nothing that follows on this connection can be trusted."""


class Address(NamedTuple):
    """Where a request goes: the place to connect to, the Host header and the target."""

    host: str
    port: int
    authority: str
    target: str


def request_bytes(method: str, address: Address, headers: Mapping[str, str], content: bytes | None) -> bytes:
    """Return one request. Raises Unsendable."""
    if _TARGET.fullmatch(address.target) is None:
        raise Unsendable("illegal request target")
    lines = [f"{method} {address.target} HTTP/1.1", f"host: {address.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if not all(map(_LINE.fullmatch, lines[2:])):
        bad = next(line for line in lines[2:] if _LINE.fullmatch(line) is None)
        raise Unsendable(f"illegal header value for {bad.partition(':')[0]!r}")
    if content is not None:
        lines.append(f"content-length: {len(content)}")
    return "\r\n".join([*lines, "\r\n"]).encode("ascii") + (content or b"")


class ResponseParser:
    """Reads one response, fed at any byte boundary: `status` and `headers` (lower-case names), then the body."""

    def __init__(self) -> None:
        """Wait for the status line."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.done = False
        """The response was read to its end."""
        self._buffer = bytearray()
        self._looked = 0
        self._left = 0
        self._stays = False
        self._step: Callable[[list[bytes]], bool] = self._head

    @property
    def reusable(self) -> bool:
        """Whether another request may follow: this one's response has ended, and nothing came after it."""
        return self.done and self._stays and not self._buffer

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of the body that came with some bytes. Raises ProtocolError."""
        self._buffer += data
        body: list[bytes] = []
        while not self.done and self._step(body):
            pass
        return body[0] if len(body) == 1 else b"".join(body)

    def eof(self) -> None:
        """Take note that the connection has ended. Raises ProtocolError where the response had not."""
        if self._step == self._until_closed:
            self.done = True
        if self.done:
            return
        if self.status:
            raise ProtocolError("The connection ended before the response did.")
        raise ProtocolError("illegal status line" if self._buffer else NO_RESPONSE)

    def _head(self, _body: list[bytes]) -> bool:
        if self._buffer and not self._buffer.startswith(b"H"):
            raise ProtocolError("illegal status line")
        found = _BLANK.search(self._buffer, max(0, self._looked - 2))
        self._looked = len(self._buffer)
        if (found.start() if found else self._looked) > HEAD_LIMIT:
            raise ProtocolError("the head of the response is too long")
        if found is None:
            return False
        lines = bytes(self._buffer[: found.start()]).split(b"\n")
        del self._buffer[: found.end()]
        self._looked = 0
        self._begin(lines[0].removesuffix(b"\r"), lines[1:])
        return True

    def _begin(self, first: bytes, lines: list[bytes]) -> None:
        line = _STATUS.fullmatch(first)
        if line is None:
            raise ProtocolError("illegal status line")
        status = int(line[2])
        if status == 101:
            raise ProtocolError("an unasked change of protocol")
        headers = _fields(lines)
        if status < 200:
            return
        self.status, self.headers = status, headers
        self._stays = line[1] == b"1" and "close" not in _tokens(headers.get("connection", ""))
        self._frame(status, headers)

    def _frame(self, status: int, headers: dict[str, str]) -> None:
        """Settle where the body ends; chunks go before a length, as RFC 9112, section 6.3 has it."""
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if status in _NO_BODY:
            self.done = True
        elif coding is not None:
            if coding.lower() != "chunked":
                raise ProtocolError("unknown transfer encoding")
            self._step = self._chunk_size
        elif length is not None:
            self._left = _length(length)
            self._step, self.done = self._sized, self._left == 0
        else:
            self._step = self._until_closed

    def _sized(self, body: list[bytes]) -> bool:
        self._take(body)
        self.done = self._left == 0
        return False

    def _until_closed(self, body: list[bytes]) -> bool:
        self._stays = False
        self._left = len(self._buffer)
        self._take(body)
        return False

    def _take(self, body: list[bytes]) -> None:
        part = bytes(self._buffer[: self._left]) if len(self._buffer) > self._left else bytes(self._buffer)
        del self._buffer[: len(part)]
        self._left -= len(part)
        if part:
            body.append(part)

    def _chunk_size(self, _body: list[bytes]) -> bool:
        line = self._line()
        if line is None:
            return False
        found = _CHUNK.fullmatch(line)
        if found is None:
            raise ProtocolError("illegal chunk header")
        self._left = int(found[1], 16)
        self._step = self._chunk if self._left else self._trailers
        return True

    def _chunk(self, body: list[bytes]) -> bool:
        self._take(body)
        if self._left:
            return False
        self._step = self._chunk_end
        return True

    def _chunk_end(self, _body: list[bytes]) -> bool:
        line = self._line()
        if line:
            raise ProtocolError("a chunk is longer than it said")
        self._step = self._chunk_size if line is not None else self._chunk_end
        return line is not None

    def _trailers(self, _body: list[bytes]) -> bool:
        line = self._line()
        self._looked += len(line or b"")
        if self._looked > HEAD_LIMIT:
            raise ProtocolError("the trailers of the response are too long")
        self.done = line == b""
        return line is not None

    def _line(self) -> bytes | None:
        """Return the next line without its end, None where it has not come whole."""
        at = self._buffer.find(b"\n", 0, LINE_LIMIT)
        if at < 0:
            if len(self._buffer) >= LINE_LIMIT:
                raise ProtocolError("a line between chunks is too long")
            return None
        line = bytes(self._buffer[:at]).removesuffix(b"\r")
        del self._buffer[: at + 1]
        return line


NO_RESPONSE = "Server disconnected without sending a response."


def _fields(lines: list[bytes]) -> dict[str, str]:
    """Return the headers; values of one name are joined, a folded line belongs to the one before."""
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        text = line.removesuffix(b"\r")
        if text[:1] in (b" ", b"\t") and name and b"\0" not in text:
            headers[name] += " " + _text(text.strip())
            continue
        found = _FIELD.fullmatch(text)
        if found is None:
            raise ProtocolError("illegal header line")
        name, value = found[1].decode("ascii").lower(), _text(found[2])
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _length(text: str) -> int:
    told = set(_tokens(text))
    if len(told) != 1 or re.fullmatch(r"[0-9]{1,19}", first := told.pop(), re.ASCII) is None:
        raise ProtocolError("bad Content-Length")
    return int(first)


def _tokens(text: str) -> list[str]:
    return [one.strip().lower() for one in text.split(",")] if text else []
