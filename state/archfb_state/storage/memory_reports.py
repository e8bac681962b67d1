"""What the store in memory tells of the past."""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import TYPE_CHECKING, TypeVar

from archfb_state.storage.rows import RESULTS, RUNS, clean_text, stored
from archfb_state.store import BUCKETS, KEEP_SUMS, Counter, StoredDecision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archfb_state.decisions import Decision
    from archfb_state.records import Attempt, Transition
    from archfb_state.store import PhaseResult, Run


T = TypeVar("T")


class MemoryReports:
    """Attempts, changes of status, decisions, runs and answers, in lists and dictionaries."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin empty."""
        self._clock = clock
        self._attempts: dict[str, Attempt] = {}
        self._pruned: list[Attempt] = []
        self._sums_from = -inf
        self._transitions: list[Transition] = []
        self._decisions: list[StoredDecision] = []
        self._runs: dict[str, Run] = {}
        self._results: dict[tuple[str, str, float], PhaseResult] = {}

    def now(self) -> float:
        """Return the instant by the store's clock."""
        return self._clock()

    def _append(self, attempt: Attempt) -> bool:
        if attempt.id in self._attempts:
            return False
        self._attempts[attempt.id] = attempt
        return True

    def _decided(self, at: float, call_id: str, run_id: str | None, decision: Decision) -> None:
        self._decisions.append(StoredDecision(at, call_id, run_id, decision))

    def attempts(
        self, *, since: float = 0.0, model: str | None = None, run_id: str | None = None, limit: int | None = None
    ) -> Iterator[Attempt]:
        """Yield attempts, oldest first (the newest `limit` of them)."""
        found = [
            one
            for one in self._attempts.values()
            if one.started_at >= since and model in (None, one.model) and run_id in (None, one.run_id)
        ]
        found.sort(key=lambda one: one.started_at)
        return iter(newest(found, limit))

    def transitions(
        self, *, since: float = 0.0, model: str | None = None, limit: int | None = None
    ) -> list[Transition]:
        """Return changes of status, oldest first (the newest `limit` of them)."""
        found = [one for one in self._transitions if one.at >= since and model in (None, one.model)]
        return newest(sorted(found, key=lambda one: one.at), limit)

    def _all(self) -> Iterable[Attempt]:
        return (*self._pruned, *self._attempts.values())

    def counters(self) -> list[Counter]:
        """Return the totals for the metrics."""
        sums: dict[tuple[str, str, str], Counter] = {}
        for one in self._all():
            key = (_phase(one), one.model, str(one.outcome))
            sums[key] = _plus(sums.get(key), key, one)
        return [sums[key] for key in sorted(sums)]

    def hours(self, *, since: float, model: str | None = None) -> list[tuple[float, Counter]]:
        """Return hourly totals (the hour's first instant, totals), for the history."""
        sums: dict[tuple[float, str, str, str], Counter] = {}
        for one in self._all():
            key = (int(one.started_at / 3600) * 3600.0, _phase(one), one.model, str(one.outcome))
            if key[0] >= max(since // 3600 * 3600, self._sums_from) and model in (None, one.model):
                sums[key] = _plus(sums.get(key), key[1:], one)
        return [(key[0], sums[key]) for key in sorted(sums)]

    def fallbacks(self) -> dict[tuple[str, str, str], int]:
        """Return hand-overs by (phase, from, to)."""
        counts: dict[tuple[str, str, str], int] = {}
        for one in self._all():
            if one.fallback_from is not None:
                key = (_phase(one), one.fallback_from, one.model)
                counts[key] = counts.get(key, 0) + 1
        return dict(sorted(counts.items()))

    def decisions(self, run_id: str) -> list[StoredDecision]:
        """Return a run's decisions in order."""
        return [one for one in self._decisions if one.run_id == run_id]

    def save_run(self, run: Run) -> None:
        """Insert or replace a run."""
        kept = stored(RUNS, run)
        self._runs[kept.id] = kept

    def runs(self, *, limit: int = 20) -> list[Run]:
        """Return the last runs, newest first."""
        found = sorted(self._runs.values(), key=lambda one: (one.started_at, one.id), reverse=True)
        return found[: max(0, limit)]

    def run(self, id_prefix: str) -> Run | None:
        """Return one run by its id or an unambiguous beginning of it."""
        prefix = clean_text(id_prefix)
        if prefix in self._runs:
            return self._runs[prefix]
        found = [run for name, run in self._runs.items() if prefix and name.startswith(prefix)]
        return found[0] if len(found) == 1 else None

    def save_result(self, result: PhaseResult) -> None:
        """Store a finished call's answer; the same one again replaces itself."""
        kept = stored(RESULTS, result)
        self._results[kept.key, kept.model, kept.created_at] = kept

    def results(self, key: str) -> list[PhaseResult]:
        """Return the answers stored under a key, newest first."""
        found = [one for one in self._results.values() if one.key == clean_text(key)]
        return sorted(found, key=lambda one: (-one.created_at, one.model))

    def run_results(self, run_id: str) -> list[PhaseResult]:
        """Return the answers that a run made, oldest first."""
        found = [one for one in self._results.values() if one.run_id == clean_text(run_id)]
        return sorted(found, key=lambda one: (one.created_at, one.key, one.model))

    def prune(self, *, keep_days: int, steps: int = 1) -> int:
        """Drop old attempts but the newest recorded; the totals keep them."""
        del steps
        now = self._clock()
        old = [one for one in self._attempts.values() if one.started_at < now - keep_days * 86400.0]
        last = next(reversed(self._attempts.values()), None)
        gone = [self._attempts.pop(one.id) for one in old if one is not last]
        self._pruned += gone
        self._sums_from = max(self._sums_from, now - KEEP_SUMS)
        self._transitions = [one for one in self._transitions if one.at >= self._sums_from]
        self._runs = {name: one for name, one in self._runs.items() if one.started_at >= self._sums_from}
        self._decisions = [one for one in self._decisions if one.at >= now - keep_days * 86400.0]
        return len(gone)


def newest(found: list[T], limit: int | None) -> list[T]:
    """Return the last `limit` of a list; all where there is no limit."""
    return found if limit is None else found[max(0, len(found) - max(0, limit)) :]


def _phase(attempt: Attempt) -> str:
    return attempt.phase if attempt.kind == "call" else "probe"


def _plus(sum_: Counter | None, key: tuple[str, str, str], one: Attempt) -> Counter:
    bucket = bisect_left(BUCKETS, one.latency_ms / 1000)
    mine = Counter(
        *key,
        1,
        one.latency_ms / 1000,
        tuple(int(at == bucket) for at in range(len(BUCKETS) + 1)),
        one.input_tokens or 0,
        one.output_tokens or 0,
        one.reasoning_tokens or 0,
        one.cached_tokens or 0,
        one.cost_usd or 0.0,
    )
    return mine if sum_ is None else added(sum_, mine)


def added(one: Counter, other: Counter) -> Counter:
    """Return the sum of two counters of the same phase, model and outcome."""
    return Counter(
        one.phase,
        one.model,
        one.outcome,
        one.count + other.count,
        one.seconds + other.seconds,
        tuple(a + b for a, b in zip(one.buckets, other.buckets, strict=True)),
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.reasoning_tokens + other.reasoning_tokens,
        one.cached_tokens + other.cached_tokens,
        one.cost_usd + other.cost_usd,
    )
