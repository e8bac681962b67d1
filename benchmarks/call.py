"""A call at 1, 8, 64 and 256 in flight: archfb's transport against bare httpx and httpx with a client per slot.

    python benchmarks/call.py [--seconds 2] [--in-flight 1 8 64 256] [--streamed]

Everything is measured in one run, taking turns, against one loopback server in a process of its own that answers at
once. What counts is the ratio, not the figure: machines differ and other processes run. `bare httpx` is one client
whose pool all calls share, as its documentation proposes; `httpx per slot` gives each call in flight a client of its
own. CPU is this process's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("cli", "state")]

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    Call = Callable[[int], Awaitable[None]]

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TURNS = 3


class Rate(NamedTuple):
    """Calls a second, and milliseconds of CPU each."""

    a_second: float
    cpu_ms: float


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run the scripted server in a process of its own; yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        program = HERE.parent / "tests" / "scripted_server.py"
        process = subprocess.Popen([sys.executable, str(program), "--port-file", str(port)])
        try:
            while not port.exists():
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port.read_text()}/v1"
        finally:
            process.terminate()
            process.wait()


@contextlib.asynccontextmanager
async def archfb(url: str, streamed: bool, slots: int) -> AsyncIterator[Call]:  # noqa: ARG001 - each peer is opened alike
    """Ask through archfb's transport."""
    from archfb.config.model import Model, Provider
    from archfb.providers.exchange import Limits, Question, Target
    from archfb.providers.transport import Transport

    target = Target(Model("m", "p", "m", stream=streamed), Provider("p", "openai-chat", url))
    question, limits = Question("hi"), Limits(30.0)
    async with Transport(environ={}) as transport:

        async def call(_: int) -> None:
            reply = await transport.ask(target, question, limits)
            if reply.text != "ok":
                raise RuntimeError(reply)

        yield call


def _text(data: bytes, streamed: bool) -> str:
    if not streamed:
        return str(json.loads(data)["choices"][0]["message"]["content"])
    chunks = [json.loads(line[6:]) for line in data.split(b"\n\n") if line.startswith(b"data: {")]
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])


@contextlib.asynccontextmanager
async def bare_httpx(url: str, streamed: bool, slots: int) -> AsyncIterator[Call]:
    """Post through one shared httpx client."""
    import httpx

    many = httpx.Limits(max_connections=slots, max_keepalive_connections=slots)
    async with httpx.AsyncClient(limits=many, timeout=30.0, trust_env=False) as client:

        async def call(_: int) -> None:
            got = await client.post(f"{url}/chat/completions", json={**BODY, "stream": streamed})
            if _text(got.content, streamed) != "ok":
                raise RuntimeError(got.text)

        yield call


@contextlib.asynccontextmanager
async def httpx_per_slot(url: str, streamed: bool, slots: int) -> AsyncIterator[Call]:
    """Post through as many httpx clients as there are calls in flight."""
    import httpx

    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(timeout=30.0, trust_env=False, verify=False))
            for _ in range(slots)
        ]

        async def call(slot: int) -> None:
            got = await clients[slot].post(f"{url}/chat/completions", json={**BODY, "stream": streamed})
            if _text(got.content, streamed) != "ok":
                raise RuntimeError(got.text)

        yield call


PEERS = {"archfb": archfb, "bare httpx": bare_httpx, "httpx per slot": httpx_per_slot}


async def measure(call: Call, slots: int, seconds: float) -> Rate:
    """Return the rate of a call with so many always in flight, after one unmeasured call of each."""
    await asyncio.gather(*(call(slot) for slot in range(slots)))
    done = 0
    began, cpu, until = time.perf_counter(), time.process_time(), time.perf_counter() + seconds

    async def keep_asking(slot: int) -> None:
        nonlocal done
        while time.perf_counter() < until:
            await call(slot)
            done += 1

    await asyncio.gather(*(keep_asking(slot) for slot in range(slots)))
    took = time.perf_counter() - began
    return Rate(done / took, 1000 * (time.process_time() - cpu) / done)


async def compare(url: str, slots: int, seconds: float, streamed: bool) -> dict[str, Rate]:
    """Return each peer's best of a few turns, taken in turn so that a slow moment hits all."""
    best: dict[str, Rate] = {}
    for _ in range(TURNS):
        for name, peer in PEERS.items():
            async with peer(url, streamed, slots) as call:
                rate = await measure(call, slots, seconds / TURNS)
            best[name] = max(best.get(name, rate), rate)
    return best


def main() -> None:
    """Measure and print one row for each number in flight."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 64, 256])
    parser.add_argument("--streamed", action="store_true")
    options = parser.parse_args()
    print(
        f"{'in flight':>9}  "
        + "  ".join(f"{name + ' /s':>17} {'CPU ms':>6}" for name in PEERS)
        + "   ratio to bare, per slot; CPU"
    )
    with server() as url:
        for slots in options.in_flight:
            rates = asyncio.run(compare(url, slots, options.seconds, options.streamed))
            ours, bare, apart = (rates[name] for name in PEERS)
            row = "  ".join(f"{rate.a_second:>17.0f} {rate.cpu_ms:>6.2f}" for rate in rates.values())
            against = f"{ours.a_second / bare.a_second:.2f} x bare, {ours.a_second / apart.a_second:.2f} x per slot"
            ratios = f"{against}; CPU {ours.cpu_ms / bare.cpu_ms:.2f} x bare"
            print(f"{slots:>9}  {row}   {ratios}", flush=True)


if __name__ == "__main__":
    main()
