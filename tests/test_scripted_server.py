"""The scripted server does what its script says."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE
from scripted_server import ScriptedServer, ServerThread

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
}


def post(server: ScriptedServer, path: str, body: dict[str, Any]) -> tuple[int, str, bytes]:
    wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        wire.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        got = wire.getresponse()
        return got.status, got.headers["content-type"], got.read()
    finally:
        wire.close()


@pytest.mark.parametrize("wire", PATHS)
def test_every_wire_answers_plain_and_streamed(wire: str) -> None:
    with ServerThread({"models": {"m": [{"text": "hello there", "thought": "hmm"}]}}) as server:
        status, kind, body = post(server, PATHS[wire], {"model": "m"})
        assert (status, kind) == (200, "application/json")
        assert b"hello there" in body
        path = PATHS[wire].replace(":generate", ":streamGenerate") + "?alt=sse"
        status, kind, body = post(server, path, {"model": "m", "stream": True})
        assert (status, kind) == (200, "text/event-stream")
        assert body.startswith((b"data: ", b"event: "))
        assert server.counts["models"] == {"m": 2}


def test_behaviours_are_consumed_in_order_and_the_last_repeats() -> None:
    with ServerThread({"models": {"m": [{"status": 429, "retry_after": 2}, {"text": "a"}]}}) as server:
        got = [post(server, PATHS["chat"], {"model": "m"})[0] for _ in range(3)]
    assert got == [429, 200, 200]


def test_a_body_that_matches_wins_over_its_model() -> None:
    script = {"match": [{"contains": "plan", "do": [{"text": "PLAN"}]}], "models": {"m": [{"text": "other"}]}}
    with ServerThread(script) as server:
        assert b"PLAN" in post(server, PATHS["chat"], {"model": "m", "messages": ["the plan"]})[2]
        assert b"other" in post(server, PATHS["chat"], {"model": "m", "messages": []})[2]


def test_as_a_process_it_tells_its_port_and_takes_a_new_script(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    here = Path(__file__).with_name("scripted_server.py")
    process = subprocess.Popen([sys.executable, str(here), "--port-file", str(port_file)])
    try:
        until = time.monotonic() + PATIENCE
        while not port_file.exists() and time.monotonic() < until:
            time.sleep(0.01)
        wire = http.client.HTTPConnection("127.0.0.1", int(port_file.read_text()), timeout=PATIENCE)
        wire.request("POST", "/_script", json.dumps({"default": [{"text": "new"}]}))
        assert json.loads(wire.getresponse().read())["requests"] == 0
        wire.request("POST", PATHS["chat"], json.dumps({"model": "x"}))
        assert b"new" in wire.getresponse().read()
        wire.request("GET", "/_counts")
        assert json.loads(wire.getresponse().read())["models"] == {"x": 1}
        wire.close()
    finally:
        process.terminate()
        process.wait(PATIENCE)
