"""The decision core under simulated faults: each figure beside its target, from stated seeds, without clock or wire.

Run it with `python benchmarks/simulation.py [--rounds SHARE] [--seed N]`; it exits 1 when a figure misses its target.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "state"))

from archfb_state.core.balancer import choose
from archfb_state.core.due import due
from archfb_state.core.evidence import observe, settle
from archfb_state.core.standing import standing
from archfb_state.decisions import Candidate, Demand
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt, DeploymentRecord, ModelRef, Snapshot
from archfb_state.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archfb_state.decisions import Credits
    from archfb_state.records import Changes, Kind
    from archfb_state.settings import Strategy

SEED = 20261123
START = 1_800_000_000.0
CALL_S = 2.0
DAY = 86400.0


@dataclass
class World:
    """A memory that is only a snapshot: what a store would keep, without one."""

    rng: Random
    hosts: int = 1
    settings: Settings = field(default_factory=Settings)
    now: float = START
    made: int = 0

    def __post_init__(self) -> None:
        """Know nothing yet."""
        self.refs = [ModelRef(f"m{i}", f"p|https://h{i}|m{i}", f"https://h{i}#k", f"h{i}") for i in range(self.hosts)]
        self.rows = Snapshot(self.now)
        self.openings = 0

    def record(
        self, index: int, outcome: str, *, started: float | None = None, code: str | None = None, kind: Kind = "call"
    ) -> None:
        """Record one attempt that ends now."""
        self.made += 1
        ref, began = self.refs[index], self.now - CALL_S if started is None else started
        reached = None if outcome == "network" else 200
        attempt = Attempt(
            str(self.made), str(self.made), ref.model, ref.deployment, ref.account, ref.host, "phase1",
            kind, Outcome(outcome), began, self.now, CALL_S * 1000.0, code=code, http_status=reached,
        )  # fmt: skip
        was = self.breaker(index).breaker
        self.apply(observe(self.rows, attempt, self.settings, self.now, self.rng, self.refs))
        self.openings += was != "open" and self.breaker(index).breaker == "open"

    def apply(self, changed: Changes) -> None:
        """Write down what an event changed."""
        self.rows = Snapshot(
            self.now,
            {**self.rows.deployments, **changed.deployments},
            {**self.rows.accounts, **changed.accounts},
            {**self.rows.models, **changed.models},
            changed.machine or self.rows.machine,
        )

    def breaker(self, index: int) -> DeploymentRecord:
        """Return one deployment's record."""
        key = self.refs[index].deployment
        return self.rows.deployments.get(key) or DeploymentRecord(key)

    def order(self, strategy: Strategy = "priority") -> list[int]:
        """Return the models that are asked now, first to last."""
        chain = [Candidate(ref, at) for at, ref in enumerate(self.refs)]
        decision, _ = choose(
            chain, self.rows, Demand("phase1", "medium", strategy), self.settings, {}, self.now, self.rng
        )
        return [int(one.model[1:]) for one in decision.order]


def false_openings(rng: Random, flake: float, calls: int, gap: float = 60.0) -> float:
    """Return openings per 1,000 calls of a healthy model that fails now and then.

    A run of successes at a record without suspicion changes nothing that opens it, and is counted without being made.
    """
    world, done, openings = World(rng), 0, 0
    while done < calls:
        record = world.breaker(0)
        if record.suspicion == 0 and record.consecutive == 0:
            skipped = int(log(1.0 - rng.random()) / log(1.0 - flake))
            done, world.now, failing = done + skipped, world.now + skipped * gap, True
        else:
            failing = rng.random() < flake
        done, world.now = done + 1, world.now + gap
        world.record(0, "server_error" if failing else "ok")
        if world.breaker(0).breaker == "open":
            openings += 1
            world.rows = Snapshot(world.now)
    return openings / done * 1000.0


def calls_until_left(rng: Random, badness: float, gap: float = 60.0, *, before: int = 20) -> int:
    """Return how many calls a model gets after it turned bad, until it is left."""
    world = World(rng)
    for _ in range(before):
        world.now += gap
        world.record(0, "ok")
    calls = 0
    while world.breaker(0).breaker != "open":
        calls, world.now = calls + 1, world.now + gap
        world.record(0, "server_error" if rng.random() < badness else "ok")
    return calls


def blip(rng: Random, *, episodes: bool, workers: int = 6, mean: float = 30.0, length: float = 5.0) -> bool:
    """Return whether one model opens when a blip hits the calls of several workers.

    Calls take `mean` seconds, exponentially. One fails when it meets the blip: at a moment of it that is drawn where
    it was under way, at once (0.1 s) where it began within. A worker whose call failed is busy elsewhere for as long
    as a call takes. Without `episodes` each failure counts for itself.
    """
    world = World(rng)
    begin = START + 100.0
    spans = [span for _ in range(workers) for span in _spans(rng, begin, begin + length, mean)]
    for started, ended, failed in sorted(spans, key=lambda one: one[1]):
        world.now = ended
        world.record(0, "server_error" if failed else "ok", started=started if episodes else ended)
    return world.openings > 0


def _spans(rng: Random, begin: float, end: float, mean: float) -> Iterator[tuple[float, float, bool]]:
    at = START + rng.uniform(0.0, mean)
    while at < end + 60.0:
        until = at + 0.5 + rng.expovariate(1.0 / mean)
        failed = at < end and until > begin
        if failed:
            until = at + 0.1 if at >= begin else rng.uniform(begin, min(until, end))
        yield at, until, failed
        at = until + (0.5 + rng.expovariate(1.0 / mean) if failed else 0.1)


def offline_machine(rng: Random, models: int = 8, minutes: float = 10.0) -> int:
    """Return how many breakers open while this machine has no network, calls and probes going on."""
    world = World(rng, models)
    for index in range(models):
        world.now += 5.0
        world.record(index, "ok")
    end = world.now + minutes * 60.0
    while world.now < end:
        for index in world.order():
            world.now += 0.05
            world.record(index, "network", started=world.now - 0.05, code="dns")
        world.now += rng.uniform(1.0, 60.0)
    for index in range(models):
        world.now += 0.2
        world.record(index, "ok", started=world.now - 0.2)
    return world.openings


def outage(rng: Random, hours: float = 24.0, gap: float = 10.0) -> int:
    """Return how often a dead first model of a chain is tried, by calls and probes, after it was left."""
    world, trials = World(rng, 2), 0
    end = world.now + hours * 3600.0
    while world.now < end:
        world.now += gap
        probe = due(world.refs[0], world.rows, world.settings, world.now, rng)
        if probe is not None and probe.kind == "completion":
            trials += world.breaker(0).breaker == "open"
            world.record(0, "server_error", kind="completion", started=world.now)
        for index in world.order():
            trials += index == 0 and world.breaker(0).breaker == "open"
            world.record(index, "ok" if index else "server_error", started=world.now)
            if index:
                break
    return trials


def stuck(rng: Random, jump: float) -> float:
    """Return the seconds for which something stays out after the clock jumped: open, held, account held."""
    worst = 0.0
    for outcomes in (["server_error"] * 3, ["server_error"] * 30, ["rate_limited"], ["model_not_found"] * 2):
        world = World(rng)
        for outcome in outcomes:
            world.now += 61.0
            world.record(0, outcome)
        world.now += jump
        world.apply(settle(world.rows, world.settings, world.now, world.refs))
        since = world.now
        while not _usable(world) and world.now - since < 2 * DAY:
            world.now += 30.0
        worst = max(worst, world.now - since)
    return worst


def _usable(world: World) -> bool:
    now = standing(world.refs[0], world.rows, world.settings, world.now)
    return now.status != "unavailable" or now.trial


def share_error(rng: Random, calls: int = 1000, weights: tuple[float, ...] = (1.0, 0.85, 0.75, 0.4)) -> float:
    """Return by how many percentage points a model's share of the calls misses its share of the weights, at most."""
    world, counts = World(rng, len(weights)), [0] * len(weights)
    turns: Credits = {}
    chain = [Candidate(ref, at, weight=weights[at]) for at, ref in enumerate(world.refs)]
    for _ in range(calls):
        world.now += 5.0
        asked = Demand("phase1", "medium")
        decision, turns = choose(chain, world.rows, asked, world.settings, turns, world.now, rng)
        index = int(decision.order[0].model[1:])
        counts[index] += 1
        world.record(index, "ok")
    wanted = [100.0 * one / sum(weights) for one in weights]
    return max(abs(100.0 * got / calls - want) for got, want in zip(counts, wanted, strict=True))


@dataclass(frozen=True)
class Figure:
    """One figure, its target, and whether it is reached."""

    name: str
    value: float
    target: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Return whether the target is reached."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    def __str__(self) -> str:
        """Return a line of the table."""
        sign = ">=" if self.at_least else "<="
        return f"{self.name:<66} {self.value:10.4g}   {sign} {self.target:<8g} {'met' if self.met else 'MISSED'}"


def _flakes(rng: Random, share: float) -> Iterator[Figure]:
    for flake, target in ((0.005, 0.002), (0.01, 0.005), (0.02, 0.02)):
        calls = max(1000, int(2_000_000 * share))
        yield Figure(
            f"false openings per 1,000 calls at {flake:.1%} flake", false_openings(rng, flake, calls), target
        )


def _dead(rng: Random, _share: float) -> Iterator[Figure]:
    gaps = (1.0, 10.0, 60.0, 600.0, 3600.0, 8640.0)
    found = [calls_until_left(rng, 1.1, CALL_S + gap) for gap in gaps]
    yield Figure("calls until a dead model is left, gaps of 1 s to 2.4 h, most", max(found), 3)
    yield Figure("calls until a dead model is left, gaps of 1 s to 2.4 h, fewest", min(found), 3, at_least=True)


def _bad(rng: Random, share: float) -> Iterator[Figure]:
    rounds = max(20, int(2000 * share))
    for badness, middle, late in ((0.5, 15.0, 35.0), (0.4, 15.0, 35.0), (0.3, 25.0, 70.0)):
        counts = sorted(calls_until_left(rng, badness) for _ in range(rounds))
        yield Figure(f"calls until a model that fails {badness:.0%} is left, median", median(counts), middle)
        yield Figure(f"calls until a model that fails {badness:.0%} is left, p95", counts[int(rounds * 0.95)], late)


def _blips(rng: Random, share: float) -> Iterator[Figure]:
    rounds = max(20, int(2000 * share))
    seeds = [rng.random() for _ in range(rounds)]
    for episodes, target in ((True, 0.08), (False, 0.5)):
        rate = sum(blip(Random(seed), episodes=episodes) for seed in seeds) / rounds
        name = "openings per 5 s blip under 6 parallel calls" + ("" if episodes else ", plain counting")
        yield Figure(name, rate, target, at_least=not episodes)


def _machines(rng: Random, share: float) -> Iterator[Figure]:
    rounds = max(2, int(50 * share))
    openings = sum(offline_machine(rng) for _ in range(rounds))
    yield Figure(f"openings while offline for 10 min, 8 models, {rounds} rounds", openings, 0)


def _outages(rng: Random, _share: float) -> Iterator[Figure]:
    yield Figure("trials in an outage of 24 h, a call every 10 s", outage(rng), 120)


def _clocks(rng: Random, _share: float) -> Iterator[Figure]:
    for name, jump in (("-1 d", -DAY), ("+1 d", DAY), ("+10 y", 3652 * DAY)):
        yield Figure(f"longest wait after the clock jumped {name}, s", stuck(rng, jump), 900)


def _shares(rng: Random, _share: float) -> Iterator[Figure]:
    yield Figure("shares of 1,000 calls beside the weights, points", share_error(rng), 5)


PARTS: tuple[Callable[[Random, float], Iterator[Figure]], ...] = (
    _flakes,
    _dead,
    _bad,
    _blips,
    _machines,
    _outages,
    _clocks,
    _shares,
)


def figures(seed: int = SEED, share: float = 1.0) -> Iterator[Figure]:
    """Yield every figure; `share` of the usual rounds. Each part draws from its own generator, seeded by `seed`."""
    for at, part in enumerate(PARTS):
        yield from part(Random(seed + at), share)


def main() -> int:
    """Print the figures; 0 when all targets are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=float, default=1.0, metavar="SHARE", help="share of the usual rounds")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    print(f"seed {options.seed} (each part's generator: seed + its number)")
    met = True
    for one in figures(options.seed, options.rounds):
        print(one, flush=True)
        met &= one.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
