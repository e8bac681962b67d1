"""What the page tells, read from the state at one instant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from archfb import periods
from archfb.periods import DAY, HOUR, WEEK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archfb.config.model import Config
    from archfb.periods import History
    from archfb.routing.table import StatusTable
    from archfb_state.records import Attempt, Transition
    from archfb_state.store import PhaseResult, Run, Store, StoredDecision

RUNS = 20
EXPLAINED = 5
"""Runs that are told with their decisions and attempts."""

MOST_CHANGES = 200
MOST_ATTEMPTS = 100
SIZES = ((8 * DAY, HOUR), (200 * DAY, DAY), (float("inf"), WEEK))
"""Spans of time, and the stretches by which each is drawn: a page has more room than a terminal."""


@dataclass(frozen=True, slots=True)
class ToldRun:
    """One run with what explains it; empty where it is only listed."""

    run: Run
    results: tuple[PhaseResult, ...] = ()
    decisions: tuple[StoredDecision, ...] = ()
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything on the page."""

    version: str
    table: StatusTable
    history: History
    transitions: tuple[Transition, ...]
    cost: Mapping[tuple[float, str], float]
    """USD by the first instant of a day (UTC) and model, what cost nothing left out."""
    handovers: tuple[tuple[str, str, str, int], ...]
    """(phase, from, to, how often), the most frequent first."""
    runs: tuple[ToldRun, ...]
    notes: tuple[str, ...] = ()


def read(config: Config, store: Store, environ: Mapping[str, str], back: float) -> Reading:
    """Return what happened in the last `back` seconds. Raises ConfigurationError where a key cannot be one."""
    from archfb.routing.prices import is_free
    from archfb.routing.roster import roster
    from archfb.routing.table import status_table
    from archfb.version import __version__

    size = next(size for most, size in SIZES if back <= most)
    history = periods.history(store, back, keep_days=config.keep_days, size=size, free=partial(is_free, config))
    begin = history.begin
    return Reading(
        __version__,
        status_table(config, roster(config, environ, store.salt), store.snapshot()),
        history,
        tuple(periods.changes(store, config, begin, limit=MOST_CHANGES)),
        daily_cost(store, begin),
        handovers(store.attempts(since=begin)),
        told_runs(store, begin),
        store.opened.notes,
    )


def daily_cost(store: Store, begin: float) -> dict[tuple[float, str], float]:
    """Return USD by day and model, from the sums that outlive single attempts."""
    found: dict[tuple[float, str], float] = {}
    for at, one in store.hours(since=begin):
        if one.cost_usd:
            key = (at // DAY * DAY, one.model)
            found[key] = found.get(key, 0.0) + one.cost_usd
    return found


def handovers(attempts: Iterable[Attempt]) -> tuple[tuple[str, str, str, int], ...]:
    """Return who took over from whom, and how often."""
    found = Counter((one.phase, one.fallback_from, one.model) for one in attempts if one.fallback_from is not None)
    return tuple((phase, str(before), after, number) for (phase, before, after), number in found.most_common(50))


def told_runs(store: Store, begin: float) -> tuple[ToldRun, ...]:
    """Return the last runs, the newest of them explained."""
    runs = [one for one in store.runs(limit=RUNS) if one.started_at >= begin]
    return tuple(_told(store, one) if at < EXPLAINED else ToldRun(one) for at, one in enumerate(runs))


def _told(store: Store, run: Run) -> ToldRun:
    attempts = [one for one in store.attempts(run_id=run.id, limit=MOST_ATTEMPTS) if one.phase != "probe"]
    return ToldRun(run, tuple(store.run_results(run.id)), tuple(store.decisions(run.id)), tuple(attempts))
