"""Another strategy over calls that were made: what it would have changed, and how sure that is.

The attempts are replayed in their order through a memory of their own, so that each decision sees the health of its
moment. What a chosen model would have done is known where the call asked it, else taken from what that model did
around that time: the share of calls known, and a bootstrap interval, say how far the figures can be trusted.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from archfb.routing.plan import CHARS_PER_TOKEN, Request
from archfb_state.outcomes import Outcome
from archfb_state.storage.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, ModelRef, Snapshot
    from archfb_state.settings import Settings, Strategy

NEIGHBOURS = 20
"""Attempts of a model, nearest in time, that stand for what it would have done."""

RESAMPLES = 400
SEED = 20261123


class Figures(NamedTuple):
    """What calls came to, in sum: USD, seconds, calls without an answer, attempts that failed."""

    usd: float
    seconds: float
    failures: float
    wasted: float


@dataclass(frozen=True, slots=True)
class Replay:
    """What a strategy would have changed over a time."""

    strategy: Strategy
    calls: int
    changed: int
    """Calls that another model would have been asked first."""
    known: float
    """Share of the replayed weight that rests on what the asked model did in that very call."""
    actual: Figures
    replayed: Figures
    low: Figures
    """5 % and 95 % of the difference (replayed minus actual), by a bootstrap over calls."""
    high: Figures


class _Expected(NamedTuple):
    figures: Figures
    known: float
    first: str | None


@dataclass(slots=True)
class _Memory:
    """What each model did, by time."""

    at: dict[str, list[float]] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)

    def add(self, one: Attempt) -> None:
        self.at.setdefault(one.model, []).append(one.started_at)
        self.attempts.setdefault(one.model, []).append(one)

    def near(self, model: str, at: float) -> list[Attempt]:
        """Return the attempts of a model that are nearest to an instant."""
        times = self.at.get(model, [])
        middle = bisect_left(times, at)
        return self.attempts.get(model, [])[max(0, middle - NEIGHBOURS // 2) : middle + NEIGHBOURS // 2]


def replay(
    attempts: Iterable[Attempt],
    strategy: Strategy,
    choose: Callable[[Request, Snapshot, Credits], tuple[Decision, Credits]],
    settings: Settings,
    refs: Sequence[ModelRef],
    phase: str | None = None,
) -> Replay:
    """Return what a strategy would have changed over stored attempts (oldest first, of calls and probes).

    With `phase` only its calls are decided again; the others, and probes, tell how the models were.
    """
    every = list(attempts)
    memory = _Memory()
    for one in every:
        memory.add(one)
    moment = [every[0].started_at if every else 0.0]
    store = MemoryStore(clock=lambda: moment[0])
    turns: dict[str, Credits] = {}
    actual, expected, changed = [], [], 0
    for call in _calls(every):
        moment[0] = max(moment[0], call[0].started_at)
        if call[0].kind == "call" and phase in (None, call[0].phase):
            was = _was(call)
            request = _request(call, strategy)
            decision, turns[request.phase] = choose(request, store.snapshot(), turns.get(request.phase, {}))
            would = _would(decision, call, memory)
            changed += would.first != call[0].model
            actual.append(was)
            expected.append(would)
        moment[0] = max(moment[0], call[-1].ended_at)
        store.record(call, settings, refs=refs)
    return _summary(strategy, actual, expected, changed)


def _calls(attempts: list[Attempt]) -> list[list[Attempt]]:
    by_call = sorted(attempts, key=lambda one: (one.call_id, one.started_at))
    calls = [list(group) for _, group in groupby(by_call, key=lambda one: one.call_id)]
    return sorted(calls, key=lambda call: call[0].started_at)


def _answered(one: Attempt) -> bool:
    return one.outcome in {Outcome.OK, Outcome.TRUNCATED}


def _was(call: list[Attempt]) -> Figures:
    return Figures(
        sum(one.cost_usd or 0.0 for one in call),
        sum(one.latency_ms for one in call) / 1000,
        float(not any(_answered(one) for one in call)),
        float(sum(not _answered(one) for one in call)),
    )


def _request(call: list[Attempt], strategy: Strategy) -> Request:
    tokens = max((one.input_tokens or 0 for one in call), default=0)
    return Request(call[0].phase, int(tokens * CHARS_PER_TOKEN), strategy=strategy)


def _would(decision: Decision, call: list[Attempt], memory: _Memory) -> _Expected:
    """Return what the order would have come to: each candidate is reached if those before it failed."""
    reached, usd, seconds, wasted, known, weight = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    asked = {one.model: one for one in call}
    for ranked in decision.order:
        sample = [asked[ranked.model]] if ranked.model in asked else memory.near(ranked.model, call[0].started_at)
        if not sample or reached < 0.001:
            continue
        good = sum(map(_answered, sample)) / len(sample)
        usd += reached * sum(one.cost_usd or 0.0 for one in sample) / len(sample)
        seconds += reached * sum(one.latency_ms for one in sample) / len(sample) / 1000
        wasted += reached * (1 - good)
        known += reached * (ranked.model in asked)
        weight += reached
        reached *= 1 - good
    first = decision.order[0].model if decision.order else None
    return _Expected(Figures(usd, seconds, reached, wasted), known / weight if weight else 0.0, first)


def _summary(strategy: Strategy, actual: list[Figures], expected: list[_Expected], changed: int) -> Replay:
    differences = [
        Figures(*(after - before for before, after in zip(was, would.figures, strict=True)))
        for was, would in zip(actual, expected, strict=True)
    ]
    low, high = _bootstrap(differences)
    known = sum(one.known for one in expected) / len(expected) if expected else 0.0
    return Replay(
        strategy, len(actual), changed, known, _sum(actual), _sum([one.figures for one in expected]), low, high
    )


def _sum(figures: Sequence[Figures]) -> Figures:
    return Figures(*(sum(column) for column in zip(*figures, strict=True))) if figures else Figures(0, 0, 0, 0)


def _bootstrap(differences: list[Figures]) -> tuple[Figures, Figures]:
    """Return the 5 % and 95 % bounds of the summed difference, each figure for itself; the seed is fixed."""
    if not differences:
        return Figures(0, 0, 0, 0), Figures(0, 0, 0, 0)
    rng = random.Random(SEED)  # noqa: S311 - a resampling that must give the same figures again
    sums = [_sum(rng.choices(differences, k=len(differences))) for _ in range(RESAMPLES)]
    columns = [sorted(column) for column in zip(*sums, strict=True)]
    at = RESAMPLES // 20
    return Figures(*(column[at] for column in columns)), Figures(*(column[-at - 1] for column in columns))
