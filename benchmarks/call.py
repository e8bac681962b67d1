"""A call at 1, 8, 16, 64 and 256 in flight: archfb against bare httpx and httpx with a client per slot.

    python benchmarks/call.py [--seconds 5] [--in-flight 1 8 16 64 256] [--streamed] [--peers]

Everything is measured in one run, taking turns, against one loopback server in a process of its own that answers at
once. What counts is the ratio, not the figure: machines differ and other processes run. `archfb` is the transport
alone; `archfb routed` is `Router.ask` over a chain of four models and a state file: decided, asked, recorded and
committed. `bare httpx` is one client whose pool all calls share, as its documentation proposes; `httpx per slot`
gives each call in flight a client of its own. With `--peers` LiteLLM's Router and pydantic-ai's FallbackModel take
their turns too, each in an environment of its own (made on the first run). Each has a process of its own, whose CPU
counts.
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
from statistics import median
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("cli", "state", "benchmarks")]

from measuring import Rate, measure  # noqa: E402 - found by the line above
from peers import python_of, versions  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from measuring import Call

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TURNS = 5
MODELS = ("m0", "m1", "m2", "m3")
PEERS = {"litellm": "litellm", "pydantic-ai": "pydantic-ai-slim"}
TARGETS = "targets: routed CPU at 1 <= 1.5 x bare, <= 0.25 x litellm; routed /s at 64 and 256 >= 0.9 x at 16"


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Run the server in a process of its own; yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        program = HERE / "answering.py"
        process = subprocess.Popen([sys.executable, str(program), "--port-file", str(port)])
        try:
            while not port.exists():
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port.read_text()}/v1"
        finally:
            process.terminate()
            process.wait()


@contextlib.asynccontextmanager
async def archfb(url: str, streamed: bool, slots: int) -> AsyncIterator[Call]:  # noqa: ARG001 - each is opened alike
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


@contextlib.asynccontextmanager
async def archfb_routed(url: str, streamed: bool, slots: int) -> AsyncIterator[Call]:  # noqa: ARG001
    """Ask a chain of four models, and have every decision and attempt committed to a state file."""
    from archfb.config.model import Complexity, Config, Model, Provider, Routing
    from archfb.routing.router import Router
    from archfb_state.settings import Health, Thresholds

    models = {name: Model(name, "p", name, tier="low", stream=streamed) for name in MODELS}
    config = Config(
        health=Health(),
        thresholds=Thresholds(),
        routing=Routing(),
        complexity=Complexity(),
        providers={"p": Provider("p", "openai-chat", url)},
        models=models,
        chains={"phase1": MODELS},
    )
    with tempfile.TemporaryDirectory() as folder:
        async with Router.open(config, f"{folder}/state.db", environ={}) as router:
            if not router.store.opened.saving:
                raise RuntimeError(router.store.opened.notes)

            async def call(_: int) -> None:
                answer = await router.ask("phase1", "hi")
                if answer.text != "ok":
                    raise RuntimeError(answer)

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


OURS = {"archfb routed": archfb_routed, "archfb": archfb, "bare httpx": bare_httpx, "httpx per slot": httpx_per_slot}


async def here(name: str, url: str, slots: int, seconds: float, *, streamed: bool) -> Rate:
    """Measure one of this environment's ways to call."""
    async with OURS[name](url, streamed, slots) as call:
        return await measure(call, slots, seconds)


def apart(name: str, url: str, slots: int, seconds: float, *, streamed: bool) -> Rate:
    """Measure one way to call in a process of its own, and a peer in an environment of its own."""
    words = [name, url, str(slots), str(seconds)]
    if name in PEERS:
        command = [python_of(name), str(HERE / "call_peers.py"), *words]
    else:
        command = [sys.executable, str(HERE / "call.py"), "--one", *words, *(["--streamed"] if streamed else [])]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return Rate(*json.loads(ended.stdout.splitlines()[-1]))


def compare(url: str, slots: int, options: argparse.Namespace) -> dict[str, Rate]:
    """Return each peer's median of a few turns, taken in turn so that a slow moment hits all."""
    seen: dict[str, list[Rate]] = {}
    share = options.seconds / TURNS
    for _ in range(TURNS):
        for name in [*OURS, *(PEERS if options.peers else ())]:
            rate = apart(name, url, slots, share, streamed=options.streamed)
            seen.setdefault(name, []).append(rate)
    return {
        name: Rate(median(one.a_second for one in rates), median(one.cpu_ms for one in rates))
        for name, rates in seen.items()
    }


def against(rates: dict[str, Rate]) -> str:
    """Return the routed call's ratios to the others."""
    ours = rates["archfb routed"]
    others = {name: rate for name, rate in rates.items() if name != "archfb routed"}
    cpu = ", ".join(f"{ours.cpu_ms / rate.cpu_ms:.2f} x {name}" for name, rate in others.items())
    speed = ", ".join(f"{ours.a_second / rates[name].a_second:.1f} x {name}" for name in PEERS if name in rates)
    return f"routed CPU {cpu}" + (f"; /s {speed}" if speed else "")


def main() -> None:
    """Measure and print one row for each number in flight."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 16, 64, 256])
    parser.add_argument("--streamed", action="store_true")
    parser.add_argument("--peers", action="store_true", help="LiteLLM's Router and pydantic-ai's FallbackModel too")
    parser.add_argument("--one", nargs=4, metavar=("NAME", "URL", "SLOTS", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, url, slots, seconds = options.one
        print(json.dumps(asyncio.run(here(name, url, int(slots), float(seconds), streamed=options.streamed))))
        return
    names = [*OURS, *(PEERS if options.peers else ())]
    for name in PEERS if options.peers else ():
        print(versions(python_of(name), PEERS[name]))
    print(f"{'in flight':>9}  " + "  ".join(f"{name + ' /s':>17} {'CPU ms':>6}" for name in names))
    routed: dict[int, float] = {}
    with server() as url:
        for slots in options.in_flight:
            rates = compare(url, slots, options)
            routed[slots] = rates["archfb routed"].a_second
            row = "  ".join(f"{rate.a_second:>17.0f} {rate.cpu_ms:>6.2f}" for rate in rates.values())
            print(f"{slots:>9}  {row}   {against(rates)}", flush=True)
    if 16 in routed:
        print("routed /s against 16 in flight: " + ", ".join(f"{n}: {v / routed[16]:.2f}" for n, v in routed.items()))
    print(TARGETS)


if __name__ == "__main__":
    main()
