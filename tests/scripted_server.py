"""A loopback HTTP server that answers, fails and misbehaves by script, on a real socket.

In a test::

    async with ScriptedServer({"models": {"m": [{"status": 429, "retry_after": 2}, {"text": "hello"}]}}) as server:
        server.url                 # "http://127.0.0.1:PORT": the base URL for openai-chat, -responses, anthropic, gemini
        server.counts["models"]["m"], server.requests[-1]["body"], server.connections

    with ServerThread({...}) as server: ...          # the same in a thread, for tests that are not asyncio

As a process: ``python tests/scripted_server.py --port-file F [--script SCRIPT.json] [--port N]``; the port is written to F.
``GET /_counts`` tells the counts, ``GET /_requests`` the last requests, ``POST /_script`` puts a new script (counts stay).

A script is a JSON object: ``models`` maps a model id to its behaviours, ``paths`` a path to its own (they win), ``match`` is a
list of ``{"contains": TEXT OF THE BODY, "do": [behaviours]}`` (they win over both), ``metadata`` maps a model id (or a path) to
behaviours of the free addresses (``GET …/models/ID``, ``…/models``, ``/api/tags``, ``/user/balance``; unset: 200 for ids in
``models``), ``default`` is for everything else. Behaviours are consumed in order, the last one repeats.

A behaviour is a JSON object; {} answers "ok":
  text, thought, finish ("stop" | "length" | "refusal" | "tool"), usage {input, output, reasoning, cached}, no_usage
  status, message, code, body (text, or an object sent as JSON), headers {}, retry_after      an HTTP error, or any body as it stands
  delay (s before the headers), pace (s between events), gzip (true: compress)
  plain (true: ignores `stream`), content_type, before (text sent before the body or first event), no_done (leaves the done marker out)
  fault: hang | hang_body | reset | reset_early | close | cut | drip | huge_header | huge_body | gzip_bomb | bad_json | html | empty |
         stream_error | keep_alive | wrong_length | redirect
         with `size` (bytes: huge_header, huge_body, gzip_bomb), `every` (s: drip, keep_alive), `to` (redirect), `status`/`message`/`code` (stream_error)
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import socket
import ssl
import struct
import threading
import zlib
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from scripted_wires import EVENTS, FINISH, PLAIN, error_body, error_event, metadata_body

Behaviour = dict[str, Any]
FREE = ("/models", "/api/tags", "/user/balance", "/api/version")
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


def wire_of(path: str) -> str | None:
    """Return the protocol that a path belongs to."""
    if path.endswith(":generateContent") or path.endswith(":streamGenerateContent"):
        return "gemini"
    ends = {"/chat/completions": "chat", "/responses": "responses", "/messages": "messages"}
    return next((wire for end, wire in ends.items() if path.endswith(end)), None)


def refused_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
    wrong = error_event(at.wire, say.get("status", 529), say.get("message", "Overloaded"), say.get("code"))
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
        hang, hang_body, reset, reset_early, close, cut, drip, huge_header, huge_body, gzip_bomb, bad_json, html, empty,
        stream_error, keep_alive, wrong_length, redirect,
    )
}  # fmt: skip


class ScriptedServer:
    """The server; an asynchronous context manager. `script`, `counts`, `requests` and `connections` may be read and `script` set."""

    def __init__(self, script: dict[str, Any] | None = None, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.counts: dict[str, Any] = {
            "models": collections.Counter(), "paths": collections.Counter(), "metadata": collections.Counter(),
            "requests": 0, "in_flight": 0, "peak": 0,
        }  # fmt: skip
        self.requests: collections.deque[dict[str, Any]] = collections.deque(maxlen=1000)
        self.connections = 0
        self.put(script or {})
        self._tls, self._port = tls, port
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, script: dict[str, Any]) -> None:
        """Start a new script from its beginning."""
        self.script = script
        self._consumed: collections.Counter[str] = collections.Counter()

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls, limit=2**26, backlog=1024)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        parts = urlsplit(target)
        try:
            body: Any = json.loads(data) if data else None
        except ValueError:
            body = None
        request = {"method": method, "path": parts.path, "query": parts.query, "headers": headers, "body": body}
        at = Exchange(writer, reader, request)
        if parts.path.startswith("/_"):
            await self._control(at)
            return True
        self.requests.append(request)
        self.counts["requests"] += 1
        self.counts["in_flight"] += 1
        self.counts["peak"] = max(self.counts["peak"], self.counts["in_flight"])
        try:
            await self._act(at, data)
        finally:
            self.counts["in_flight"] -= 1
        return at.keep

    async def _control(self, at: Exchange) -> None:
        if at.path == "/_script":
            self.put(at.request["body"])
        shown: Any = {"/_requests": list(self.requests)}.get(at.path, {**self.counts, "connections": self.connections})
        await at.whole(200, json.dumps(shown).encode(), {"content-type": "application/json"})

    async def _act(self, at: Exchange, data: bytes) -> None:
        free = at.request["method"] == "GET"
        self.counts["paths"][at.path] += 1
        self.counts["metadata" if free else "models"][at.model] += 1
        say = self._next_free(at) if free else self._next(at, data.decode("utf-8", "replace"))
        await asyncio.sleep(say.get("delay", 0))
        await FAULTS.get(say.get("fault", ""), answer)(at, say)

    def _next(self, at: Exchange, text: str) -> Behaviour:
        script = self.script
        for number, rule in enumerate(script.get("match", [])):
            if rule["contains"] in text:
                return self._consume(f"match {number}", rule["do"])
        for name, table in ((at.path, script.get("paths", {})), (at.model, script.get("models", {}))):
            if name in table:
                return self._consume(name, table[name])
        return self._consume("default", script.get("default", [{}]))

    def _next_free(self, at: Exchange) -> Behaviour:
        table = self.script.get("metadata", {})
        for name in (at.path, at.model):
            if name in table:
                return self._consume(f"free {name}", table[name])
        known = list(self.script.get("models", {}))
        if at.path.endswith(FREE):
            return {"body": metadata_body(at.path, None, known)}
        if at.model in known or not known:
            return {"body": metadata_body(at.path, at.model, known)}
        return {"status": 404, "message": f"The model `{at.model}` does not exist"}

    def _consume(self, name: str, behaviours: Any) -> Behaviour:
        several = behaviours if isinstance(behaviours, list) else [behaviours]
        one: Behaviour = several[min(self._consumed[name], len(several) - 1)] if several else {}
        self._consumed[name] += 1
        return one


class ServerThread:
    """The same server in a thread of its own: `with ServerThread(script) as server`."""

    def __init__(self, script: dict[str, Any] | None = None, **options: Any) -> None:
        self.server = ScriptedServer(script, **options)
        self._ready = threading.Event()

    def __enter__(self) -> ScriptedServer:
        self._thread = threading.Thread(target=asyncio.run, args=(self._main(),), daemon=True)
        self._thread.start()
        self._ready.wait(10)
        return self.server

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.server:
            self._ready.set()
            await self._stop.wait()


async def _process(options: argparse.Namespace) -> None:
    script = json.loads(Path(options.script).read_text()) if options.script else {}
    async with ScriptedServer(script, port=options.port) as server:
        target = Path(options.port_file)
        draft = target.with_suffix(".part")
        draft.write_text(str(server.port))
        draft.replace(target)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="An HTTP server that behaves by script.")
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--script")
    parser.add_argument("--port", type=int, default=0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_process(parser.parse_args()))


if __name__ == "__main__":
    main()
