"""What happened, by model and by hour, day or week: from attempts, or from the hourly sums that outlive them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb_state.outcomes import Outcome
from archfb_state.store import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archfb.config.model import Config
    from archfb_state.records import Attempt, Transition
    from archfb_state.store import Counter, Store

HOUR, DAY, WEEK = 3600.0, 86400.0, 7 * 86400.0

SIZES = ((2 * DAY, HOUR), (60 * DAY, DAY), (float("inf"), WEEK))
"""Spans of time, and the stretches by which each is told."""

NOBODYS = frozenset({Outcome.CANCELLED, Outcome.CONTEXT_TOO_LONG, Outcome.CONTENT_FILTERED, Outcome.TRUNCATED})
"""Outcomes that are held against nobody, and so are no part of a model's availability."""

PAID = frozenset({Outcome.OK, Outcome.TRUNCATED})
"""Outcomes that cost something, unless the model is free."""

SHARES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Period:
    """What happened to one model in one stretch of time that begins at `at` (Unix seconds)."""

    at: float
    model: str
    ok: int
    failed: int
    outcomes: tuple[tuple[str, int], ...]
    p50_ms: float | None
    p95_ms: float | None
    cost_usd: float | None
    """What it cost; None where there were answers and the price of none of them is known."""
    p99_ms: float | None = None

    @property
    def availability(self) -> float | None:
        """Return the share of attempts that gave an answer; None where nothing can be told."""
        return self.ok / (self.ok + self.failed) if self.ok + self.failed else None

    def to_json(self) -> dict[str, Any]:
        """Return the period as `history --json` prints it."""
        from archfb.routing.json import instant

        share = self.availability
        took = {"p50": self.p50_ms, "p95": self.p95_ms, "p99": self.p99_ms}
        return {
            "at": instant(self.at),
            "model": self.model,
            "attempts": self.ok + self.failed,
            "availability": None if share is None else round(share, 4),
            "outcomes": dict(self.outcomes),
            "latency_ms": {name: None if ms is None else round(ms, 1) for name, ms in took.items()},
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 9),
        }


class History(NamedTuple):
    """Periods of `size` seconds from `begin` to `end`, oldest first; `rough` where percentiles come from sums."""

    begin: float
    end: float
    size: float
    periods: tuple[Period, ...]
    rough: bool = False

    @property
    def grid(self) -> tuple[float, ...]:
        """Return the first instant of every stretch, those in which nothing happened included."""
        first, last = int(self.begin // self.size), int(self.end // self.size)
        return tuple(at * self.size for at in range(first, last + 1))

    def by_model(self) -> dict[str, dict[float, Period]]:
        """Return the periods of each model by their first instant; models by name."""
        found: dict[str, dict[float, Period]] = {}
        for one in sorted(self.periods, key=lambda one: (one.model, one.at)):
            found.setdefault(one.model, {})[one.at] = one
        return found


@dataclass(slots=True)
class _Sum:
    outcomes: dict[str, int] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    cost_usd: float = 0.0
    unpriced: bool = False

    def add(self, outcome: str, number: int, cost: float | None) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + number
        self.cost_usd += cost or 0.0
        self.unpriced |= cost is None and outcome in PAID

    def add_buckets(self, counts: Sequence[int]) -> None:
        self.buckets = [before + more for before, more in zip(self.buckets, counts, strict=True)]

    def latencies(self) -> tuple[float | None, float | None, float | None]:
        from archfb.routing.table import percentile

        if self.took:
            one, two, three = (percentile(self.took, share) for share in SHARES)
        else:
            one, two, three = (from_buckets(self.buckets, share) for share in SHARES)
        return one, two, three

    def period(self, at: float, model: str) -> Period:
        ok = self.outcomes.get(Outcome.OK, 0)
        failed = sum(number for what, number in self.outcomes.items() if what not in NOBODYS) - ok
        p50, p95, p99 = self.latencies()
        usd = None if self.unpriced and not self.cost_usd else self.cost_usd
        return Period(at, model, ok, failed, tuple(sorted(self.outcomes.items())), p50, p95, usd, p99)


def changes(
    store: Store, config: Config, begin: float, *, model: str | None = None, limit: int | None = None
) -> list[Transition]:
    """Return changes of status since `begin` (Unix seconds), oldest first (the newest `limit` of them).

    A drain that has ended since the last record is told though nobody has written it down: a reader does not write.
    """
    from archfb_state.core.drains import unwritten

    over = unwritten(store.snapshot(), config.settings)
    later = [one for one in over if one.at >= begin and model in {None, one.model}]
    found = store.transitions(since=begin, model=model, limit=limit)
    return sorted([*found, *later], key=lambda one: one.at)[-limit if limit else 0 :]


def size_of(back: float) -> float:
    """Return the seconds by which a span of that many seconds is told."""
    return next(size for most, size in SIZES if back <= most)


def history(
    store: Store,
    back: float,
    *,
    model: str | None = None,
    keep_days: float,
    size: float = 0.0,
    free: Callable[[str], bool] = lambda _: False,
) -> History:
    """Return what happened in the last `back` seconds; further back than `keep_days` only sums are kept.

    `free` says whether a model is known to cost nothing, which sums cannot tell from an unknown price.
    """
    end = store.now()
    begin, step = end - back, size or size_of(back)
    if back > keep_days * DAY:
        summed = from_sums(store.hours(since=begin, model=model), step, free)
        return History(begin, end, step, tuple(summed), rough=True)
    return History(begin, end, step, tuple(periods(store.attempts(since=begin, model=model), step)))


def periods(attempts: Iterable[Attempt], seconds: float) -> list[Period]:
    """Return the attempts gathered by model and by stretches of `seconds`, oldest first."""
    groups: dict[tuple[float, str], _Sum] = {}
    for one in attempts:
        group = groups.setdefault((one.started_at // seconds * seconds, one.model), _Sum())
        group.add(str(one.outcome), 1, one.cost_usd)
        if one.outcome is Outcome.OK:
            group.took.append(one.latency_ms)
    return _told(groups)


def from_sums(
    hours: Iterable[tuple[float, Counter]], seconds: float, free: Callable[[str], bool] = lambda _: False
) -> list[Period]:
    """Return hourly sums gathered likewise; the percentiles are read from the histogram."""
    groups: dict[tuple[float, str], _Sum] = {}
    for at, one in hours:
        group = groups.setdefault((at // seconds * seconds, one.model), _Sum())
        paid = one.outcome in PAID and not one.cost_usd and not free(one.model)
        group.add(one.outcome, one.count, None if paid else one.cost_usd)
        if one.outcome == Outcome.OK:
            group.add_buckets(one.buckets)
    return _told(groups)


def _told(groups: dict[tuple[float, str], _Sum]) -> list[Period]:
    return [group.period(at, model) for (at, model), group in sorted(groups.items())]


def from_buckets(counts: Sequence[int], share: float) -> float | None:
    """Return a percentile in ms, as if latencies lay evenly within a bucket; None of nothing.

    Beyond the last bound that bound is all that is known.
    """
    rank, below = share * sum(counts), 0
    if not rank:
        return None
    for low, high, number in zip((0.0, *BUCKETS), BUCKETS, counts, strict=False):
        if below + number >= rank:
            return 1000 * (low + (high - low) * (rank - below) / number)
        below += number
    return 1000 * BUCKETS[-1]
