"""A server that answers every chat completion at once: as little as can stand between a client and its own speed.

    python benchmarks/answering.py --port-file FILE

Written for `call.py`: the tests' scripted server reads its script for each request, which takes half as long as the
fastest client. Whoever asks for a stream gets one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from pathlib import Path

LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
STREAMS = re.compile(rb'"stream": *true')
ANSWER = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
USAGE = {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9}


def _response(kind: str, body: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _whole() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    return _response("application/json", json.dumps({**ANSWER, "choices": [choice], "usage": USAGE}))


def _stream() -> bytes:
    chunk = {**ANSWER, "object": "chat.completion.chunk"}
    first = {"index": 0, "delta": {"role": "assistant", "content": "ok"}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = [{**chunk, "choices": [first]}, {**chunk, "choices": [last]}, {**chunk, "choices": [], "usage": USAGE}]
    lines = [f"data: {json.dumps(one)}\n\n" for one in chunks]
    return _response("text/event-stream", "".join([*lines, "data: [DONE]\n\n"]))


WHOLE, STREAM = _whole(), _stream()


class Answering(asyncio.Protocol):
    """One connection: a request is answered once its body is there."""

    def __init__(self) -> None:
        """Wait for the connection."""
        self._transport: asyncio.Transport | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._data += data
        head, blank, body = self._data.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if blank and self._transport is not None and len(body) >= (int(length[1]) if length else 0):
            self._data = b""
            self._transport.write(STREAM if STREAMS.search(body) else WHOLE)


async def main(port_file: Path) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=512)
    port_file.with_suffix(".new").write_text(str(server.sockets[0].getsockname()[1]))
    port_file.with_suffix(".new").rename(port_file)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-file", type=Path, required=True)
    asyncio.run(main(parser.parse_args().port_file))
