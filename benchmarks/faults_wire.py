"""The fault script on real sockets: each of the six models at a loopback address of its own.

The server runs on the loop of whoever asks, so that both go by one clock; when nobody has anything to read, that
clock jumps (`virtual.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from faults_world import MODELS, TOKENS_IN, TOKENS_OUT, Said, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOOKS = 3
"""How often the sockets are looked at again before the clock jumps: what is sent on loopback is there at once."""
REASONS = {200: "OK", 429: "Too Many Requests", 503: "Service Unavailable"}


class Place:
    """Six listening sockets, 127.0.0.2 and on; `urls` are the models' base URLs."""

    def __init__(self) -> None:
        """Take the ports; nobody answers before `serving`."""
        hosts = {model.name: f"127.0.0.{at}" for at, model in enumerate(MODELS, 2)}
        self._sockets = {name: socket.create_server((host, 0), backlog=512) for name, host in hosts.items()}
        self._addresses = {name: one.getsockname() for name, one in self._sockets.items()}
        self.urls = {name: f"http://{host}:{port}/v1" for name, (host, port) in self._addresses.items()}

    @contextlib.asynccontextmanager
    async def serving(self, world: World) -> AsyncIterator[None]:
        """Answer by the script."""
        tasks: set[asyncio.Task[Any]] = set()
        servers = [
            await asyncio.start_server(partial(_serve, world, tasks), sock=one) for one in self._sockets.values()
        ]
        try:
            yield
        finally:
            for server in servers:
                server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(self, name: str, call: int) -> int:
        """Ask as plainly as can be, on a connection of its own; returns the status."""
        reader, writer = await asyncio.open_connection(*self._addresses[name])
        try:
            body = json.dumps({"model": name, "messages": [{"role": "user", "content": str(call)}]}).encode()
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            return int((await reader.readline()).split()[1])
        finally:
            writer.close()


async def _serve(
    world: World, tasks: set[asyncio.Task[Any]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    task = asyncio.current_task()
    assert task is not None
    tasks.add(task)
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.split("content-length:")[1].split()[0])
            asked = json.loads(await reader.readexactly(length))
            said = world.ask(asked["model"], int(asked["messages"][-1]["content"]))
            await asyncio.sleep(said.seconds)
            if said.status == 0:
                return
            writer.write(_response(asked["model"], said))
    except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass
    finally:
        tasks.discard(task)
        writer.close()


def _response(model: str, said: Said) -> bytes:
    body = json.dumps(completion(model) if said.status == 200 else {"error": {"message": "by script"}}).encode()
    lines = [f"HTTP/1.1 {said.status} {REASONS[said.status]}", "content-type: application/json"]
    lines += [f"content-length: {len(body)}"]
    lines += [] if said.retry_after is None else [f"retry-after: {said.retry_after}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def completion(model: str) -> dict[str, Any]:
    """Return an answer of the chat protocol."""
    usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}
    return {
        "id": "1", "object": "chat.completion", "created": 1, "model": model, "usage": usage, "choices": [choice]
    }  # fmt: skip
