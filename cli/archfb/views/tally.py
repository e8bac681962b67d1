"""What a run has done so far, as its events tell it, and how long the rest takes by experience."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from archfb import events
from archfb.views.fitting import BETWEEN
from archfb.views.phrases import count, duration, money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archfb.config.model import Config
    from archfb.events import Event
    from archfb_state.records import Attempt
    from archfb_state.store import Store

USUAL_CALLS = {"phase1": 3, "phase3": 4}
"""Calls that a phase usually makes, until it begins and says so; the others make one."""

LOOKED_AT = 400
"""Stored attempts that experience is taken from."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One phase: its calls, how many have ended, and how it ended ("" while it has not)."""

    calls: int
    ended: int = 0
    bought: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """The whole run: phases in order (those to come have no progress yet), tokens, USD, hand-overs."""

    order: tuple[str, ...] = ()
    phases: Mapping[str, Progress] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    asked: Mapping[str, str] = field(default_factory=dict)
    """The model that each call asked last."""
    handed: frozenset[tuple[str, str]] = frozenset()
    """The calls that were handed over, each with whom it came to."""

    @property
    def handovers(self) -> int:
        """Return how often a call was handed over; counted when the next model is asked, not when it has answered."""
        return len(self.handed)


def counted(tally: Tally, event: Event) -> Tally:
    """Return the tally after an event."""
    match event:
        case events.PhaseStarted(phase, calls):
            order = tally.order if phase in tally.order else (*tally.order, phase)
            return replace(tally, order=order, phases={**tally.phases, phase: Progress(calls)})
        case events.PhaseEnded(phase, status):
            return _of_phase(tally, phase, status=status)
        case events.CallEnded():
            return _of_phase(tally, event.phase, ended=1, bought=0 if event.stored else 1)
        case events.AttemptStarted():
            return _asked(tally, event.call_id, event.model)
        case events.AttemptEnded():
            return _attempt(tally, event)
    return tally


def _of_phase(tally: Tally, phase: str, *, ended: int = 0, bought: int = 0, status: str = "") -> Tally:
    before = tally.phases.get(phase)
    if before is None:
        return tally
    done = before.ended + ended
    after = Progress(max(before.calls, done), done, before.bought + bought, status)
    return replace(tally, phases={**tally.phases, phase: after})


def _asked(tally: Tally, call: str, model: str) -> Tally:
    handed = {(call, model)} if tally.asked.get(call, model) != model else set()
    return replace(tally, asked={**tally.asked, call: model}, handed=tally.handed | handed)


def _attempt(tally: Tally, event: events.AttemptEnded) -> Tally:
    one = event.attempt
    return replace(
        tally,
        tokens_in=tally.tokens_in + (one.input_tokens or 0),
        tokens_out=tally.tokens_out + (one.output_tokens or 0),
        cost_usd=tally.cost_usd + (one.cost_usd or 0.0),
        unpriced=tally.unpriced + (one.cost_usd is None and one.outcome == "ok"),
        handed=tally.handed | ({(event.call_id, one.model)} if one.fallback_from is not None else set()),
    )


def phases_line(tally: Tally) -> str:
    """Return every phase with how far it is."""
    return BETWEEN.join(_phase(name, tally.phases.get(name)) for name in tally.order)


def _phase(name: str, one: Progress | None) -> str:
    if one is None:
        return name
    return f"{name} {one.status}" if one.status else f"{name} {one.ended} of {one.calls}"


def totals_line(tally: Tally, left_s: float | None) -> str:
    """Return tokens, cost, hand-overs, and the time left where experience tells it."""
    parts = [f"{tally.tokens_in:,} tokens in, {tally.tokens_out:,} out", money(tally.cost_usd)]
    if tally.unpriced:
        parts[-1] += f" and {count(tally.unpriced, 'answer')} of unknown price"
    parts.append(count(tally.handovers, "hand-over"))
    parts += [f"about {duration(left_s)} left"] if left_s is not None else []
    return BETWEEN.join(parts)


def left(
    tally: Tally, typical: Mapping[str, float], slots: int, running: Mapping[str, Sequence[float]]
) -> float | None:
    """Return the seconds that the rest takes; None where nothing is known of some phase that is still to come.

    `typical` are seconds of one call by phase, `slots` the calls in flight at once, `running` the seconds that the
    calls in flight have taken so far, by phase.
    """
    total = 0.0
    for phase in tally.order:
        one = tally.phases.get(phase)
        if one is not None and one.status:
            continue
        seconds = typical.get(phase)
        if seconds is None:
            return None
        total += _rest(one or Progress(USUAL_CALLS.get(phase, 1)), seconds, slots, running.get(phase, ()))
    return total if tally.order else None


def _rest(one: Progress, seconds: float, slots: int, running: Sequence[float]) -> float:
    """Return the seconds that the rest of a phase takes: what is in flight, and the waves behind it."""
    waiting = max(0, one.calls - one.ended - len(running))
    flying = max((max(0.0, seconds - since) for since in running), default=0.0)
    return flying + -(-waiting // max(1, slots)) * seconds


def experience(store: Store, config: Config, phases: Iterable[str]) -> dict[str, float]:
    """Return the median seconds of a stored successful call by phase: the phase's own calls, else its models'."""
    found = [one for one in store.attempts(limit=LOOKED_AT) if one.kind == "call" and one.outcome == "ok"]
    rows = [one for one in found if one.model != "offline"]
    typical: dict[str, float] = {}
    for phase in phases:
        mine = _latencies(one for one in rows if one.phase == phase)
        mine = mine or _latencies(one for one in rows if one.model in config.chains.get(phase, ()))
        if mine:
            typical[phase] = median(mine) / 1000
    return typical


def _latencies(attempts: Iterable[Attempt]) -> list[float]:
    return [one.latency_ms for one in attempts]
