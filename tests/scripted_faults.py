"""How the scripted server answers, fails and misbehaves: one coroutine a behaviour."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import zlib
from typing import Any
from urllib.parse import unquote

from scripted_wires import EVENTS, FINISH, PLAIN, error_body, error_event

Behaviour = dict[str, Any]
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


def wire_of(path: str) -> str | None:
    """Return the protocol that a path belongs to."""
    if path.endswith((":generateContent", ":streamGenerateContent")):
        return "gemini"
    ends = {"/chat/completions": "chat", "/responses": "responses", "/messages": "messages"}
    return next((wire for end, wire in ends.items() if path.endswith(end)), None)


class Exchange:
    """One request being answered."""

    def __init__(self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader, request: dict[str, Any]) -> None:
        self.writer, self.reader, self.request = writer, reader, request
        self.path: str = request["path"]
        self.wire = wire_of(self.path) or "chat"
        body = request["body"] if isinstance(request["body"], dict) else {}
        self.model: str = body.get("model") or unquote(self.path.rsplit("/", 1)[-1].split(":")[0])
        self.streamed = bool(body.get("stream")) or self.path.endswith(":streamGenerateContent")
        self.array = self.streamed and self.wire == "gemini" and "alt=sse" not in request["query"]
        self.keep = True

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int, headers: dict[str, Any]) -> None:
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def chunk(self, data: bytes) -> None:
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def whole(self, status: int, data: bytes, headers: dict[str, Any]) -> None:
        await self.head(status, {**headers, "content-length": len(data)})
        await self.send(data)

    async def until_gone(self) -> None:
        self.keep = False
        with contextlib.suppress(OSError):
            await self.reader.read()

    def abort(self) -> None:
        """End the connection with a reset instead of an orderly close."""
        self.keep = False
        raw = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def full_events(at: Exchange, say: Behaviour) -> list[bytes]:
    """Return the events of an answer, with what the behaviour adds or leaves out."""
    finish = FINISH[at.wire][say.get("finish", "stop")]
    out = EVENTS[at.wire](at.model, {"text": "ok", **say}, finish)
    if say.get("no_done") and at.wire in ("chat", "messages"):
        out = out[:-1]
    if at.array:
        bodies = [one.removeprefix(b"data: ").rstrip() for one in out]
        out = [(b"[" if n == 0 else b",\r\n") + one for n, one in enumerate(bodies)] + [b"]"]
    if say.get("before"):
        out.insert(0, say["before"].encode())
    return out


def headers_of(say: Behaviour, kind: str) -> dict[str, Any]:
    """Return the response headers of one behaviour."""
    out: dict[str, Any] = {"content-type": say.get("content_type", kind), "x-request-id": "req_scripted"}
    if "retry_after" in say:
        out["retry-after"] = say["retry_after"]
    return {**out, **say.get("headers", {})}


async def answer(at: Exchange, say: Behaviour) -> None:
    """Send what a healthy provider sends, or a status with its body."""
    status = say.get("status", 200)
    if status != 200 or "body" in say:
        body = say.get("body", error_body(at.wire, status, say.get("message", f"scripted {status}"), say.get("code")))
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = "application/json" if not isinstance(body, str) or body[:1] in "{[" else "text/plain"
        await at.whole(status, data, headers_of(say, kind))
    elif at.streamed and not say.get("plain"):
        await stream(at, say, full_events(at, say))
    else:
        body = PLAIN[at.wire](at.model, {"text": "ok", **say}, FINISH[at.wire][say.get("finish", "stop")])
        data = say.get("before", "").encode() + json.dumps(body).encode()
        headers = headers_of(say, "application/json")
        if say.get("gzip"):
            headers["content-encoding"], data = "gzip", zlib.compress(data, wbits=31)
        await at.whole(200, data, headers)


async def stream(at: Exchange, say: Behaviour, events: list[bytes], *, end: bool = True) -> None:
    """Send events as chunks, at their pace, and the last chunk if `end`."""
    headers = headers_of(say, "application/json" if at.array else "text/event-stream")
    press = zlib.compressobj(wbits=31) if say.get("gzip") else None
    if press:
        headers["content-encoding"] = "gzip"
    await at.head(say.get("status_line", 200), {**headers, "transfer-encoding": "chunked"})
    for one in events:
        await at.chunk(press.compress(one) + press.flush(zlib.Z_SYNC_FLUSH) if press else one)
        await asyncio.sleep(say.get("pace", 0))
    if press:
        await at.chunk(press.flush())
    if end:
        await at.send(b"0\r\n\r\n")


def half(at: Exchange, say: Behaviour) -> list[bytes]:
    """Return the first half of an answer: events, or the beginning of the JSON."""
    if at.streamed and not say.get("plain"):
        out = full_events(at, say)
        return out[: say.get("after", max(1, len(out) // 2))]
    data = json.dumps(PLAIN[at.wire](at.model, {"text": "ok", **say}, FINISH[at.wire]["stop"])).encode()
    return [data[: len(data) // 2]]


async def hang(at: Exchange, say: Behaviour) -> None:
    await at.until_gone()


async def hang_body(at: Exchange, say: Behaviour) -> None:
    await stream(at, say, half(at, say), end=False)
    await at.until_gone()


async def open_end(at: Exchange, say: Behaviour) -> None:
    await stream(at, say, full_events(at, say), end=False)
    at.request["sent"] = True
    await at.until_gone()


async def reset(at: Exchange, say: Behaviour) -> None:
    await stream(at, say, half(at, say), end=False)
    await asyncio.sleep(0.05)
    at.abort()


async def reset_early(at: Exchange, say: Behaviour) -> None:
    at.abort()


async def close(at: Exchange, say: Behaviour) -> None:
    at.keep = False


async def cut(at: Exchange, say: Behaviour) -> None:
    await stream(at, say, half(at, say))


async def drip(at: Exchange, say: Behaviour) -> None:
    data = b"".join(full_events(at, say)) if at.streamed else json.dumps({"text": "x" * 1000}).encode()
    at.keep = False
    await at.head(200, {**headers_of(say, "text/event-stream"), "transfer-encoding": "chunked"})
    for byte in data * 1000:
        await at.chunk(bytes([byte]))
        await asyncio.sleep(say.get("every", 1.0))


async def huge_header(at: Exchange, say: Behaviour) -> None:
    at.keep = False
    await at.head(200, {**headers_of(say, "application/json"), "x-big": "x" * say.get("size", 5_000_000)})
    await at.until_gone()


async def huge_body(at: Exchange, say: Behaviour) -> None:
    left = say.get("size", 200_000_000)
    at.keep = False
    await at.head(200, {**headers_of(say, "application/json"), "content-length": left})
    block = b" " * 65536
    while left > 0:
        await at.send(block[:left])
        left -= len(block)


async def gzip_bomb(at: Exchange, say: Behaviour) -> None:
    at.keep = False
    headers = {**headers_of(say, "application/json"), "content-encoding": "gzip", "transfer-encoding": "chunked"}
    await at.head(200, headers)
    press = zlib.compressobj(9, wbits=-15)
    # After a full flush the same million blanks compress to the same bytes, so they need to be compressed only once.
    block = press.compress(b" " * 1_000_000) + press.flush(zlib.Z_FULL_FLUSH)
    await at.chunk(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
    for _ in range(say.get("size", 1_000_000_000) // 1_000_000):
        await at.chunk(block)
    await at.send(b"0\r\n\r\n")


async def bad_json(at: Exchange, say: Behaviour) -> None:
    await at.whole(200, b'{"choices": [{"message": {"content": "Hel', headers_of(say, "application/json"))


async def html(at: Exchange, say: Behaviour) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
    await at.whole(say.get("status", 502), page, headers_of(say, "text/html"))


async def empty(at: Exchange, say: Behaviour) -> None:
    await at.whole(200, b"", headers_of(say, "application/json"))


async def stream_error(at: Exchange, say: Behaviour) -> None:
    told = at.wire, say.get("status", 529), say.get("message", "Overloaded"), say.get("code")
    if not at.streamed:
        await at.whole(200, json.dumps(error_body(*told)).encode(), headers_of(say, "application/json"))
        return
    wrong = error_event(*told)
    await stream(at, say, [*half(at, say), wrong])


async def keep_alive(at: Exchange, say: Behaviour) -> None:
    at.keep = False
    await at.head(200, {**headers_of(say, "text/event-stream"), "transfer-encoding": "chunked"})
    while True:
        await at.chunk(b": keep-alive\n\n")
        await asyncio.sleep(say.get("every", 0.1))


async def wrong_length(at: Exchange, say: Behaviour) -> None:
    at.keep = False
    data = json.dumps(PLAIN[at.wire](at.model, {"text": "ok", **say}, FINISH[at.wire]["stop"])).encode()
    await at.head(200, {**headers_of(say, "application/json"), "content-length": len(data) + say.get("size", 100)})
    await at.send(data)


async def redirect(at: Exchange, say: Behaviour) -> None:
    where = {"location": say.get("to", "http://203.0.113.9/elsewhere")}
    await at.whole(say.get("status", 302), b"", {**headers_of(say, "text/html"), **where})


FAULTS = {
    one.__name__: one
    for one in (
        hang,
        hang_body,
        open_end,
        reset,
        reset_early,
        close,
        cut,
        drip,
        huge_header,
        huge_body,
        gzip_bomb,
        bad_json,
        html,
        empty,
        stream_error,
        keep_alive,
        wrong_length,
        redirect,
    )
}
