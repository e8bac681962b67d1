"""A fault script over six models: archfb's strategies, LiteLLM's, a plain rotation and an oracle.

    python benchmarks/faults.py [--calls 2000] [--seeds 20261123 …] [--no-peers] [--drawn] [--loopback]

Everything runs in virtual time: calls come at the same instants, and a model does the same with a call whoever asks
(`faults_world.py` is the script: outage, 429 bursts with Retry-After, slow, flapping, gray 40 %, hanging). The
oracles know when each fault begins and ends but not the random draws: each prefers as a strategy does among the
models with which nothing is wrong, and asks the others last. With `--drawn` each seed has faults of its own, of other
models and lengths. LiteLLM runs in an environment of its own.
With `--loopback` every request goes through a socket, as whoever asks sends it, to a server on the same loop; the
clock jumps when no socket has anything to read.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("cli", "state", "benchmarks")]

import virtual  # noqa: E402 - found by the line above
from faults_wire import LOOKS, Place  # noqa: E402
from faults_world import (  # noqa: E402
    DEADLINE,
    FAULTS,
    MODELS,
    SEED,
    TIMEOUT,
    TOKENS_IN,
    TOKENS_OUT,
    Ended,
    Figures,
    Said,
    World,
    arrivals,
    drawn,
    summed,
)
from peers import python_of, versions  # noqa: E402

from archfb.config.model import Complexity, Config, Model, Provider, Routing  # noqa: E402
from archfb.providers.exchange import Limits, Question, Reply, Target, Usage  # noqa: E402
from archfb.providers.transport import Transport  # noqa: E402
from archfb.routing.desk import Desk, nobody  # noqa: E402
from archfb.routing.roster import roster  # noqa: E402
from archfb.routing.router import Router  # noqa: E402
from archfb_state.outcomes import Outcome  # noqa: E402
from archfb_state.settings import Health, Thresholds  # noqa: E402
from archfb_state.storage.memory_store import MemoryStore  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    Ask = Callable[[int], Awaitable[bool]]
    Made = Callable[[str, World, virtual.Clock, Place | None], Ask]

NAMES = [one.name for one in MODELS]
PEERS = {
    "balanced": ("shuffle", "shuffle, set up"),
    "priority": ("chain",),
    "fastest": ("latency",),
    "cheapest": ("cost",),
}
"""Which of LiteLLM's ways a strategy is measured against."""

TARGETS = "targets: success >=, p99 <=, wasted <= 0.5 x, USD <= LiteLLM's; each within 5 % of the oracle"
REPLIES = {200: Outcome.OK, 429: Outcome.RATE_LIMITED, 503: Outcome.SERVER_ERROR}


@dataclass
class Wire:
    """archfb's transport, answering by the script; the call's number is its prompt."""

    world: World

    async def ask(self, target: Target, question: Question, limits: Limits, on_text: Any = None) -> Reply:  # noqa: ARG002
        """Return what the script says, after as long."""
        said = self.world.ask(target.model.name, int(question.prompt))
        await asyncio.sleep(min(said.seconds, limits.total))
        if said.seconds > limits.total:
            return Reply(Outcome.TIMEOUT, latency_ms=1000 * limits.total)
        return self._reply(said)

    def _reply(self, said: Said) -> Reply:
        usage = Usage(TOKENS_IN, TOKENS_OUT) if said.status == 200 else Usage()
        return Reply(
            REPLIES[said.status],
            "ok" if said.status == 200 else "",
            usage=usage,
            latency_ms=1000 * said.seconds,
            http_status=said.status,
            retry_after_s=said.retry_after,
        )


def configuration(strategy: str, urls: Mapping[str, str]) -> Config:
    """Return the six models, each at a provider of its own, with everything else as shipped."""
    providers = {name: Provider(name, "openai-chat", urls[name], timeout=TIMEOUT) for name in NAMES}
    models = {
        one.name: Model(one.name, one.name, one.name, tier="low", input_price=one.usd_in, output_price=one.usd_out)
        for one in MODELS
    }
    return Config(
        health=Health(),
        thresholds=Thresholds(),
        routing=Routing(strategy=strategy, offline=False),  # type: ignore[arg-type]
        complexity=Complexity(),
        providers=providers,
        models=models,
        chains={"phase1": tuple(NAMES)},
    )


def archfb(strategy: str, world: World, clock: virtual.Clock, place: Place | None) -> Ask:
    """Ask through archfb's Router, with a memory that is fresh."""
    urls = place.urls if place else {name: f"http://{name}.invalid/v1" for name in NAMES}
    config, rng = configuration(strategy, urls), Random(world.seed)
    store = MemoryStore(clock=clock, rng=rng)
    members = roster(config, {}, store.salt)
    wire: Any = Transport(clock, clock, {}) if place else Wire(world)
    router = Router(Desk(config, store, members, wire, rng, asyncio.sleep, nobody, clock=clock))

    async def ask(number: int) -> bool:
        return (await router.ask("phase1", str(number), deadline=DEADLINE)).ok

    return ask


async def through(world: World, number: int, order: Iterator[str], place: Place | None) -> bool:
    """Ask one model after the other; the time-out is each one's own."""
    for name in order:
        if place:
            with contextlib.suppress(TimeoutError):
                if await asyncio.wait_for(place.ask(name, number), TIMEOUT) == 200:
                    return True
            continue
        said = world.ask(name, number)
        await asyncio.sleep(min(said.seconds, TIMEOUT))
        if said.status == 200 and said.seconds <= TIMEOUT:
            return True
    return False


def rotation(_: str, world: World, clock: virtual.Clock, place: Place | None) -> Ask:  # noqa: ARG001 - made alike
    """Ask in turn, and hand over to the next one at a failure, remembering nothing."""
    turn = cycle(range(len(NAMES)))

    async def ask(number: int) -> bool:
        first = next(turn)
        return await through(world, number, islice(cycle(NAMES), first, first + len(NAMES)), place)

    return ask


def oracle(strategy: str, world: World, clock: virtual.Clock, place: Place | None) -> Ask:  # noqa: ARG001
    """Ask as a strategy would among the models with which nothing is wrong now; the others last."""
    turns = dict.fromkeys(NAMES, 0.0)

    def first_by_share(good: list[str]) -> str:
        shares = {one.name: 10.0 / (10.0 + one.seconds) for one in MODELS if one.name in good}
        for name, share in shares.items():
            turns[name] += share
        first = max(shares, key=lambda name: turns[name])
        turns[first] -= sum(shares.values())
        return first

    keys: dict[str, Callable[[Any], float]] = {
        "balanced": lambda one: one.seconds,
        "priority": lambda one: NAMES.index(one.name),
        "fastest": lambda one: one.seconds,
        "cheapest": lambda one: one.usd,
    }
    ordered = [one.name for one in sorted(MODELS, key=keys[strategy])]

    async def ask(number: int) -> bool:
        good = [name for name in ordered if not world.wrong(name)[0]]
        if strategy == "balanced" and good:
            first = first_by_share(good)
            good = [first, *(name for name in good if name != first)]
        bad = (name for name in ordered if name not in good)
        return await through(world, number, chain(good, bad), place)

    return ask


async def _calls(world: World, clock: virtual.Clock, ask: Ask, due: list[float], place: Place | None) -> list[Ended]:
    async def call(number: int, at: float) -> Ended:
        await asyncio.sleep(world.begin + at - clock())
        began, ok = clock(), False
        try:
            async with asyncio.timeout(DEADLINE):
                ok = await ask(number)
        except TimeoutError:
            pass
        return Ended(ok, clock() - began)

    async with place.serving(world) if place else contextlib.nullcontext():
        return list(await asyncio.gather(*(call(number, at) for number, at in enumerate(due))))


def here(made: Made, strategy: str, seed: int, options: argparse.Namespace) -> Figures:
    """Run the script against one of this environment's ways."""
    due, clock = arrivals(seed, options.calls), virtual.Clock()
    world = World(clock, seed, due[-1], clock.at, drawn(seed) if options.drawn else FAULTS)
    place = Place() if options.loopback else None
    calls = _calls(world, clock, made(strategy, world, clock, place), due, place)
    return summed(virtual.run(clock, calls, LOOKS if place else 0), world)


def peer(way: str, seed: int, options: argparse.Namespace) -> Figures:
    """Run the script against one of LiteLLM's ways."""
    command = [python_of("litellm"), str(HERE / "faults_peer.py"), way, str(seed), str(options.calls)]
    command += [name for name in ("loopback", "drawn") if getattr(options, name)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return Figures(*json.loads(ended.stdout.splitlines()[-1]))


def averaged(one: Callable[[int], Figures], seeds: list[int]) -> Figures:
    """Return the mean of the figures over the seeds."""
    return Figures(*(fmean(column) for column in zip(*map(one, seeds), strict=True)))


def shown(name: str, got: Figures, against: Figures | None = None) -> None:
    """Print a row, as it is or as the ratio of it to another."""
    if against is None:
        print(
            f"{name:28} {got.success:8.2%} {got.p50:7.2f} {got.p99:7.2f} {got.wasted:8.1f} {got.usd:8.3f}", flush=True
        )
        return
    ratios = [mine / theirs if theirs else float("nan") for mine, theirs in zip(got, against, strict=True)]
    print(
        f"{name:28} {ratios[0]:8.4f} {ratios[1]:7.2f} {ratios[2]:7.2f} {ratios[3]:8.2f} {ratios[4]:8.2f}", flush=True
    )


def compare(strategy: str, options: argparse.Namespace) -> None:
    """Print a strategy, what it is measured against, and the ratios."""
    ours = averaged(lambda seed: here(archfb, strategy, seed, options), options.seeds)
    best = averaged(lambda seed: here(oracle, strategy, seed, options), options.seeds)
    shown(f"archfb {strategy}", ours)
    shown(f"oracle {strategy}", best)
    others = {f"/ oracle {strategy}": best}
    for way in PEERS[strategy] if options.peers else ():
        others[f"/ LiteLLM {way}"] = averaged(lambda seed, way=way: peer(way, seed, options), options.seeds)  # type: ignore[misc]
        shown(f"LiteLLM {way}", others[f"/ LiteLLM {way}"])
    for name, other in others.items():
        shown(f"  archfb {name}", ours, other)


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED])
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--drawn", action="store_true", help="a script of its own for each seed")
    parser.add_argument("--loopback", action="store_true", help="through real sockets")
    options = parser.parse_args()
    print(
        f"{options.calls} calls, seeds {options.seeds}"
        + (f", {versions(python_of('litellm'), 'litellm')}" if options.peers else "")
    )
    print(f"{'':28} {'success':>8} {'p50 s':>7} {'p99 s':>7} {'wasted':>8} {'mUSD':>8}")
    shown("plain rotation", averaged(lambda seed: here(rotation, "", seed, options), options.seeds))
    for strategy in PEERS:
        compare(strategy, options)
    print(TARGETS)


if __name__ == "__main__":
    main()
