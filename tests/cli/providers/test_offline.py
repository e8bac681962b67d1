"""The offline provider: no socket, no HTTP library, always the same answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Question, Reply, Target
from archfb.providers.transport import Transport

ROOT = Path(__file__).parents[3]
OFFLINE = Target(Model("offline", "offline", "offline"), Provider("offline", "offline"))


def test_the_offline_provider_answers_without_a_socket_or_an_http_library() -> None:
    program = """
import asyncio, socket, sys
sys.path[:0] = ["cli", "state"]
from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Question, Target
from archfb.providers.transport import Transport
class Refuse(socket.socket):
    def connect(self, *_): raise AssertionError
socket.socket = Refuse
async def main():
    async with Transport() as transport:
        target = Target(Model("offline", "offline", "offline"), Provider("offline", "offline"))
        print((await transport.ask(target, Question("What is\\nthis?"), Limits(1.0))).text)
        print((await transport.probe(target, "metadata", Limits(1.0))).outcome)
    print([name for name in ("httpx", "httpcore", "anyio", "certifi") if name in sys.modules])
asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    told, probed, loaded = run.stdout.splitlines()
    assert told.startswith("This is the offline provider: no model was asked")
    assert told.endswith("The prompt has 13 characters in 2 lines and begins: What is this?")
    assert (probed, loaded) == ("ok", "[]")


def test_the_offline_provider_gives_the_prepared_answer_and_always_the_same() -> None:
    async def main(question: Question) -> list[Reply]:
        async with Transport(environ={}) as transport:
            return [await transport.ask(OFFLINE, question, Limits(1.0)) for _ in range(2)]

    first, second = asyncio.run(main(Question("hi", offline=lambda: "prepared")))
    assert first == second
    assert (first.outcome, first.text, first.model_reported) == ("ok", "prepared", "offline")
    assert asyncio.run(main(Question("")))[0].text.endswith("The prompt has 0 characters in 1 line.")
