"""LiteLLM's Router under the fault script, in virtual time and in an environment of its own.

    python benchmarks/faults_peer.py NAME SEED CALLS [loopback] [drawn]

`faults.py` runs it. The requests go through the SDK that LiteLLM uses to a transport that answers by the script, or
to real sockets, so that statuses and headers are read as they always are. Prints a JSON list, the figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from typing import Any

import virtual
from faults_wire import LOOKS, Place, completion
from faults_world import DEADLINE, FAULTS, MODELS, TIMEOUT, Ended, World, arrivals, drawn, summed

NAMES = [one.name for one in MODELS]
WAYS: dict[str, dict[str, Any]] = {
    "shuffle": {},
    "shuffle, set up": {"allowed_fails": 2, "cooldown_time": 30, "num_retries": 5},
    "chain": {"fallbacks": [{"m0": NAMES[1:]}], "max_fallbacks": 5},
    "latency": {"routing_strategy": "latency-based-routing"},
    "cost": {"routing_strategy": "cost-based-routing"},
}
"""As they are by default, but for what is said; `chain` is one model after the other."""


def transport(world: World) -> Any:
    """Return a transport for httpx that answers by the script; the call's number is its prompt."""
    import httpx

    async def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        said = world.ask(body["model"], int(body["messages"][0]["content"]))
        limit = request.extensions["timeout"].get("read") or DEADLINE
        await asyncio.sleep(min(said.seconds, limit))
        if said.seconds > limit:
            raise httpx.ReadTimeout("timed out", request=request)
        headers = {} if said.retry_after is None else {"retry-after": str(said.retry_after)}
        if said.status != 200:
            return httpx.Response(said.status, headers=headers, json={"error": {"message": "by script"}})
        return httpx.Response(200, json=completion(body["model"]))

    return httpx.MockTransport(answer)


def router(way: str, place: Place | None) -> Any:
    """Return LiteLLM's Router over the six models."""
    import litellm

    group = (lambda name: name) if way == "chain" else (lambda _: "m0")
    models = [
        {
            "model_name": group(one.name),
            "litellm_params": {
                "model": f"openai/{one.name}", "api_key": one.name,
                "api_base": place.urls[one.name] if place else "http://models.invalid/v1",
                "input_cost_per_token": one.usd_in / 1e6, "output_cost_per_token": one.usd_out / 1e6,
            },
        }
        for one in MODELS
    ]  # fmt: skip
    return litellm.Router(model_list=models, timeout=TIMEOUT, **WAYS[way])


async def calls(way: str, world: World, due: list[float], place: Place | None) -> list[Ended]:
    """Make the calls, each at its instant."""
    import httpx
    import litellm

    if place is None:
        litellm.aclient_session = httpx.AsyncClient(transport=transport(world))
    asked = router(way, place)

    async def call(number: int, at: float) -> Ended:
        await asyncio.sleep(world.begin + at - world.clock())
        began, ok = world.clock(), False
        try:
            async with asyncio.timeout(DEADLINE):
                await asked.acompletion("m0", messages=[{"role": "user", "content": str(number)}])
            ok = True
        except Exception:  # noqa: BLE001 - whatever it raises is a call without an answer
            pass
        return Ended(ok, world.clock() - began)

    async with place.serving(world) if place else contextlib.nullcontext():
        return list(await asyncio.gather(*(call(number, at) for number, at in enumerate(due))))


def main(way: str, seed: int, count: int, *, loopback: bool, own: bool) -> None:
    """Measure one way and print its figures."""
    import time_machine

    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    logging.disable(logging.CRITICAL)
    due, clock = arrivals(seed, count), virtual.Clock()
    with time_machine.travel(clock.at, tick=False) as traveller:
        clock.moved.append(traveller.shift)
        world = World(clock, seed, due[-1], clock.at, drawn(seed) if own else FAULTS)
        place = Place() if loopback else None
        ended = virtual.run(clock, calls(way, world, due, place), LOOKS if loopback else 0)
    print(json.dumps(summed(ended, world)), flush=True)


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]),
        int(sys.argv[3]),
        loopback="loopback" in sys.argv[4:],
        own="drawn" in sys.argv[4:],
    )
