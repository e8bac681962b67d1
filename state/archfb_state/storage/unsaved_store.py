"""The store in memory, in place of a file that cannot be written but perhaps still be read."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from archfb_state.storage.memory_reports import added, newest
from archfb_state.storage.memory_store import MemoryStore
from archfb_state.store import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archfb_state.records import Attempt, Snapshot, Transition
    from archfb_state.storage.way import Core
    from archfb_state.store import Counter, Opened, PhaseResult, Run, Store, StoredDecision

T = TypeVar("T")


class Kept(NamedTuple):
    """What happened while nothing could be saved."""

    attempts: list[Attempt]
    runs: list[Run]
    results: list[PhaseResult]
    spent: list[tuple[str, float]]


class UnsavedStore(MemoryStore):
    """What happens is kept in memory; what happened before is read from the file where that is possible."""

    def __init__(self, past: Store | None, opened: Opened, core: Core) -> None:
        """Begin with what the file says; whatever of it cannot be read counts as never written."""
        self._past = past
        seed: Snapshot | None = self._ask(lambda past: past.snapshot(), None)
        salt: bytes | None = self._ask(lambda past: past.salt, None)
        super().__init__(
            seed=seed,
            salt=salt,
            opened=opened,
            clock=core.clock,
            observe=core.observe,
            settle=core.settle,
            rng=core.rng,
        )

    def _ask(self, question: Callable[[Store], T], otherwise: T) -> T:
        if self._past is None:
            return otherwise
        try:
            return question(self._past)
        except (sqlite3.Error, StoreBusy, OSError, ValueError, TypeError):
            return otherwise

    def unsaved(self) -> Kept:
        """Return what a file should be given as soon as one can be written."""
        spent = [(budget, usd) for budget, (_, usd) in self._budgets.items()]
        return Kept(list(self._attempts.values()), list(self._runs.values()), list(self._results.values()), spent)

    def attempts(
        self, *, since: float = 0.0, model: str | None = None, run_id: str | None = None, limit: int | None = None
    ) -> Iterator[Attempt]:
        """Yield attempts, oldest first (the newest `limit` of them)."""
        before: list[Attempt] = self._ask(
            lambda past: list(past.attempts(since=since, model=model, run_id=run_id, limit=limit)), []
        )
        mine = list(super().attempts(since=since, model=model, run_id=run_id))
        return iter(newest(before + mine, limit))

    def transitions(
        self, *, since: float = 0.0, model: str | None = None, limit: int | None = None
    ) -> list[Transition]:
        """Return changes of status, oldest first (the newest `limit` of them)."""
        before: list[Transition] = self._ask(lambda past: past.transitions(since=since, model=model, limit=limit), [])
        return newest(before + super().transitions(since=since, model=model), limit)

    def counters(self) -> list[Counter]:
        """Return the totals for the metrics."""
        before: list[Counter] = self._ask(lambda past: past.counters(), [])
        sums = {(one.phase, one.model, one.outcome): one for one in before}
        for one in super().counters():
            key = (one.phase, one.model, one.outcome)
            sums[key] = added(sums[key], one) if key in sums else one
        return [sums[key] for key in sorted(sums)]

    def hours(self, *, since: float, model: str | None = None) -> list[tuple[float, Counter]]:
        """Return hourly totals (the hour's first instant, totals), for the history."""
        before: list[tuple[float, Counter]] = self._ask(lambda past: past.hours(since=since, model=model), [])
        sums = {(hour, one.phase, one.model, one.outcome): one for hour, one in before}
        for hour, one in super().hours(since=since, model=model):
            key = (hour, one.phase, one.model, one.outcome)
            sums[key] = added(sums[key], one) if key in sums else one
        return [(key[0], sums[key]) for key in sorted(sums)]

    def fallbacks(self) -> dict[tuple[str, str, str], int]:
        """Return hand-overs by (phase, from, to)."""
        before: dict[tuple[str, str, str], int] = self._ask(lambda past: past.fallbacks(), {})
        mine = super().fallbacks()
        return {key: before.get(key, 0) + mine.get(key, 0) for key in sorted({*before, *mine})}

    def decisions(self, run_id: str) -> list[StoredDecision]:
        """Return a run's decisions in order."""
        before: list[StoredDecision] = self._ask(lambda past: past.decisions(run_id), [])
        return before + super().decisions(run_id)

    def runs(self, *, limit: int = 20) -> list[Run]:
        """Return the last runs, newest first."""
        before: list[Run] = self._ask(lambda past: past.runs(limit=limit), [])
        merged = {one.id: one for one in (*before, *super().runs(limit=limit))}
        return sorted(merged.values(), key=lambda one: (one.started_at, one.id), reverse=True)[: max(0, limit)]

    def run(self, id_prefix: str) -> Run | None:
        """Return one run by its id or an unambiguous beginning of it."""
        return super().run(id_prefix) or self._ask(lambda past: past.run(id_prefix), None)

    def results(self, key: str) -> list[PhaseResult]:
        """Return the answers stored under a key, newest first."""
        before: list[PhaseResult] = self._ask(lambda past: past.results(key), [])
        return super().results(key) + before

    def run_results(self, run_id: str) -> list[PhaseResult]:
        """Return the answers that a run made, oldest first."""
        before: list[PhaseResult] = self._ask(lambda past: past.run_results(run_id), [])
        return before + super().run_results(run_id)

    def spent(self, budget: str) -> tuple[int, float]:
        """Return how many reservations a budget had, and the USD spent or still reserved."""
        before: tuple[int, float] = self._ask(lambda past: past.spent(budget), (0, 0.0))
        mine = super().spent(budget)
        return before[0] + mine[0], before[1] + mine[1]

    def meta(self, name: str, value: Any = None) -> Any:
        """Read a small remembered value (JSON), or write it where one is given."""
        mine = super().meta(name, value)
        return self._ask(lambda past: past.meta(name), None) if mine is None else mine

    def close(self) -> None:
        """Let go of everything."""
        self._ask(lambda past: past.close(), None)
