"""A loopback HTTP server that answers, fails and misbehaves by script, on a real socket.

In a test::

    script = {"models": {"m": [{"status": 429, "retry_after": 2}, {"text": "hello"}]}}
    async with ScriptedServer(script) as server:
        server.url + "/v1"         # the base URL; all four protocols are told apart by their paths
        server.counts["models"]["m"], server.requests[-1]["body"], server.connections

    with ServerThread(script) as server: ...          # the same in a thread, for tests that are not asyncio

As a process: ``python tests/scripted_server.py --port-file F [--script SCRIPT.json] [--port N]``; the port is
written to F. ``GET /_counts`` tells the counts, ``GET /_requests`` the last requests, ``POST /_script`` puts a new
script (the counts stay).

A script is a JSON object. ``models`` maps a model id to its behaviours, ``paths`` a path to its own (they win),
``match`` is a list of ``{"contains": TEXT OF THE BODY, "do": [behaviours]}`` (they win over both), ``metadata``
maps a model id or a path to behaviours of the free addresses (``GET .../models/ID``, ``.../models``, ``/api/tags``,
``/user/balance``; unset: 200 for the ids in ``models``), ``default`` is for everything else. Behaviours are
consumed in order, the last one repeats.

A behaviour is a JSON object; {} answers "ok":
  text, thought, finish ("stop" | "length" | "refusal" | "tool"), usage {input, output, reasoning, cached}, no_usage
  status, message, code, body (text, or an object sent as JSON), headers {}, retry_after: an HTTP error or any body
  delay (s before the headers), pace (s between events), gzip (true: compress)
  plain (true: ignores `stream`), content_type, before (text sent first), no_done (leaves the done marker out)
  fault: hang | hang_body | open_end (all is sent, the stream not closed) | reset | reset_early | close | cut | drip |
         huge_header | huge_body | gzip_bomb | bad_json | html | empty | stream_error | keep_alive | wrong_length |
         redirect, with
         size (bytes: huge_header, huge_body, gzip_bomb), every (s: drip, keep_alive), after (events before it),
         to (redirect), status, message, code (stream_error)
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import functools
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from processes import PATIENCE
from scripted_faults import FAULTS, Behaviour, Exchange, answer
from scripted_wires import metadata_body

FREE = ("/models", "/api/tags", "/user/balance", "/api/version")


def free_port() -> int:
    """Return a port of this machine that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@functools.cache
def refused_port() -> int:
    """Return a port of this machine at which nobody listens, nor ever will: it is taken."""
    _taken.bind(("127.0.0.1", 0))
    port: int = _taken.getsockname()[1]
    return port


_taken = socket.socket()


class ScriptedServer:
    """The server, an asynchronous context manager; `counts`, `requests` and `connections` tell what came."""

    def __init__(
        self, script: dict[str, Any] | None = None, *, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
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
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._port, ssl=self._tls, limit=2**26, backlog=1024
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
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
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
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
        shown: Any = {"/_requests": list(self.requests)}.get(
            at.path, {**self.counts, "connections": self.connections}
        )
        await at.whole(200, json.dumps(shown).encode(), {"content-type": "application/json"})

    async def _act(self, at: Exchange, data: bytes) -> None:
        free = at.request["method"] == "GET"
        self.counts["paths"][at.path] += 1
        self.counts["metadata" if free else "models"][at.model] += 1
        say = self._next_free(at) if free else self._next(at, data.decode("utf-8", "replace"))
        await asyncio.sleep(say.get("delay", 0))
        await FAULTS.get(say.get("fault", ""), answer)(at, say)
        at.request["sent"] = True

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
        assert self._ready.wait(PATIENCE)
        return self.server

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.server:
            self._ready.set()
            await self._stop.wait()


async def _process(options: argparse.Namespace) -> None:
    async with ScriptedServer(_script(options.script), port=options.port) as server:
        _announce(Path(options.port_file), server.port)
        await asyncio.Event().wait()


def _script(path: str | None) -> dict[str, Any]:
    return dict(json.loads(Path(path).read_text())) if path else {}


def _announce(target: Path, port: int) -> None:
    draft = target.with_suffix(".part")
    draft.write_text(str(port))
    draft.replace(target)


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
