"""Six models and what goes wrong with them: one script and one set of random draws for every router.

What a model does with a call depends on the seed, the model, the call's number and how often the call asked it, so
that two routers which ask the same meet the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SEED = 20261123
GAP = 3.0
"""Mean seconds between calls, exponentially."""
TIMEOUT = 20.0
DEADLINE = 60.0
FLAKE = 0.005
"""The share of calls that fail at a model with which nothing is wrong."""
TOKENS_IN, TOKENS_OUT = 1000, 300


class Model(NamedTuple):
    """A model's usual seconds for an answer and its USD per million tokens, in and out."""

    name: str
    seconds: float
    usd_in: float
    usd_out: float

    @property
    def usd(self) -> float:
        """Return what one answer costs."""
        return (TOKENS_IN * self.usd_in + TOKENS_OUT * self.usd_out) / 1e6


MODELS = (
    Model("m0", 2.0, 1.0, 4.0),
    Model("m1", 1.5, 2.0, 8.0),
    Model("m2", 2.5, 0.5, 2.0),
    Model("m3", 1.8, 1.5, 6.0),
    Model("m4", 3.0, 0.6, 2.4),
    Model("m5", 2.2, 1.2, 5.0),
)


class Fault(NamedTuple):
    """What is wrong with a model for a while, in shares of the whole time; `on` of each `cycle` seconds."""

    model: str
    kind: str
    begin: float
    end: float
    cycle: float = 0.0
    on: float = 0.0


FAULTS = (
    Fault("m0", "outage", 0.06, 0.18),
    Fault("m1", "limited", 0.12, 0.40, 300.0, 60.0),
    Fault("m2", "slow", 0.34, 0.46),
    Fault("m3", "outage", 0.44, 0.60, 90.0, 45.0),
    Fault("m2", "outage", 0.62, 0.66),
    Fault("m4", "gray", 0.56, 0.76),
    Fault("m5", "hanging", 0.74, 0.82),
    Fault("m1", "gray", 0.80, 0.92),
    Fault("m0", "limited", 0.78, 0.94, 200.0, 80.0),
)
KINDS = ("outage", "outage", "flapping", "limited", "limited", "slow", "hanging", "gray", "gray")


def drawn(seed: int) -> tuple[Fault, ...]:
    """Return another script: as many faults of the same kinds; model, time and length of each are drawn."""
    rng = Random(f"script/{seed}")
    return tuple(_drawn(kind, rng) for kind in KINDS)


def _drawn(kind: str, rng: Random) -> Fault:
    begin, cycle = rng.uniform(0.03, 0.85), rng.uniform(60.0, 400.0)
    fault = Fault(rng.choice(MODELS).name, kind, begin, begin + rng.uniform(0.02, 0.15))
    if kind == "limited":
        return fault._replace(cycle=cycle, on=cycle * rng.uniform(0.1, 0.4))
    if kind == "flapping":
        return fault._replace(kind="outage", cycle=cycle, on=cycle * rng.uniform(0.2, 0.6))
    return fault


GRAY = 0.4
SLOWED = 10.0


class Said(NamedTuple):
    """What a model does with one request: after how many seconds, with which status (0: nothing ever comes)."""

    seconds: float
    status: int
    retry_after: int | None = None


@dataclass
class World:
    """The models under the script. `clock` is Unix seconds; `begin` is when the script started."""

    clock: Callable[[], float]
    seed: int
    length: float
    begin: float
    faults: Sequence[Fault] = FAULTS
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    """Model, call and status of each request."""

    def wrong(self, model: str) -> tuple[str, float]:
        """Return what is wrong with a model now ("" for nothing), and for how many more seconds."""
        at = self.clock() - self.begin
        for fault in self.faults:
            left = fault.end * self.length - at
            since = at - fault.begin * self.length
            if fault.model != model or since < 0 or left <= 0:
                continue
            if not fault.cycle:
                return fault.kind, left
            if since % fault.cycle < fault.on:
                return fault.kind, min(left, fault.on - since % fault.cycle)
        return "", 0.0

    def ask(self, name: str, call: int) -> Said:
        """Return what a model does with a call's next request to it."""
        again = sum(1 for model, number, _ in self.asked if model == name and number == call)
        said = self._said(name, Random(f"{self.seed}/{name}/{call}/{again}"))
        self.asked.append((name, call, said.status))
        return said

    def _said(self, name: str, rng: Random) -> Said:
        model = next(one for one in MODELS if one.name == name)
        draw, usual, quick = rng.random(), model.seconds * rng.lognormvariate(0.0, 0.2), rng.uniform(0.1, 0.4)
        kind, left = self.wrong(name)
        if kind == "limited":
            return Said(0.05, 429, ceil(left))
        if kind == "hanging":
            return Said(10 * TIMEOUT, 0)
        if kind == "outage" or draw < (GRAY if kind == "gray" else FLAKE):
            return Said(quick, 503)
        seconds = usual * (SLOWED if kind == "slow" else 1.0)
        return Said(seconds, 200 if seconds <= TIMEOUT else 0)


class Ended(NamedTuple):
    """How one call ended."""

    ok: bool
    seconds: float


class Figures(NamedTuple):
    """What calls came to."""

    success: float
    p50: float
    p99: float
    wasted: int
    """Requests that brought no answer in time."""
    usd: float
    """Of one call, in thousandths."""


def arrivals(seed: int, calls: int) -> list[float]:
    """Return the seconds from the beginning at which calls are made."""
    return list(_arrivals(Random(seed), calls))


def _arrivals(rng: Random, calls: int) -> Iterator[float]:
    at = 0.0
    for _ in range(calls):
        at += rng.expovariate(1.0 / GAP)
        yield at


def summed(ended: Sequence[Ended], world: World) -> Figures:
    """Return the figures; the seconds are those of all calls, failed ones as long as they may be."""
    times = sorted(one.seconds if one.ok else DEADLINE for one in ended)
    answers = {model.name: model.usd for model in MODELS}
    usd = sum(answers[name] for name, _, status in world.asked if status == 200)
    return Figures(
        sum(one.ok for one in ended) / len(ended),
        times[len(times) // 2],
        times[int(len(times) * 0.99)],
        len(world.asked) - sum(one.ok for one in ended),
        1000 * usd / len(ended),
    )
