"""Who is asked first, and then who: one pure choice among the candidates of a chain.

balanced: the tier nearest to the complexity (of two, the higher), in it a smooth weighted round robin over
weight · success · speed · health; then the rest by score, tier by tier. priority: the chain's order. fastest: the
least expected seconds ÷ the success that is passed 19 times of 20. cheapest: the least expected cost likewise,
unknown prices last. Both of the latter ask another than the first in one call of twenty where one is about as good,
in one of fifty where none is, drawn by how near it comes to the first; one that was not called for an hour counts as
good as the first. Under fastest a model that no call has asked yet is asked first, once. A model whose last call
failed, that is on probation, or whose last answer or waiting call takes far longer than usual, is asked by one
call at a time: while that one waits, others go elsewhere first.
Then, always: critical models, trials, models of weight 0, the offline provider. One model that is due for a trial,
at most, goes before its peers, under a lease, so that a healed one is found by the next call.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.core import beta, pace
from archfb_state.core.candidates import (
    Classes,
    Entry,
    Place,
    classes,
    critical_lease,
    entries,
    least_suspect,
    ranked,
    trial,
)
from archfb_state.core.decay import HOUR
from archfb_state.decisions import Credits, Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from archfb_state.decisions import Candidate, Demand
    from archfb_state.records import ModelRef, Snapshot
    from archfb_state.settings import Settings, Strategy

EXPLORED = 0.05
"""The share of calls that explore where another model is as likely the best one …"""
SELDOM = 0.02
"""… and where none comes near the first."""
NEARNESS = 16
"""The power of best ÷ own measure by which a model is explored: one that is twice as slow or dear hardly ever."""
LEAST_LIKELY = 1e-6
"""The share of the first's likelihood that every model has, however slow or dear."""
UNSEEN = HOUR
"""Seconds without a call after which a model is explored like one as good as the first: it may have changed."""

_UNTRIED = beta.low(0.0, 0.0)
"""A trial is ranked as if nothing were known of it: its failures are what it is tried for."""


def choose(
    candidates: Sequence[Candidate],
    rows: Snapshot,
    demand: Demand,
    settings: Settings,
    turns: Credits,
    now: float,
    rng: Random,
) -> tuple[Decision, Credits]:
    """Return every candidate in the order of asking, then those left out; and the round robin's memory after it."""
    found = entries(candidates, rows, demand, settings, now)
    able = classes(found, rows)
    head = _head(able, rows, settings, by_group=demand.strategy == "balanced")
    awaited = _awaited(able.fit, rows)
    free = [one for one in able.fit if one not in awaited]
    order, turns = _STRATEGIES[demand.strategy](free, head, _Chance(turns, rows, rng))
    order += [Place(one, "doubtful, and another call awaits its answer") for one in awaited]
    order += _rest(able, head, rows)
    places = ranked(order, found, rows)
    return Decision(demand.phase, demand.complexity, demand.strategy, places, demand.terms), turns


def _awaited(fit: list[Entry], rows: Snapshot) -> list[Entry]:
    """Return those in doubt that another call is asking; none where all are such.

    Calls that overlap count as one episode, so many could hang at a model before three in a row have failed.
    """
    found = [one for one in fit if one.load and _doubtful(one, rows)]
    return sorted(found, key=_by_group_and_score) if len(found) < len(fit) else []


def _doubtful(entry: Entry, rows: Snapshot) -> bool:
    """Return whether a model failed last, is on probation, or lets a call wait for longer than it usually takes."""
    ref = entry.candidate.ref
    known = rows.deployments.get(ref.deployment)
    if known is None:
        return False
    return known.consecutive > 0 or known.probation > 0 or _overdue(ref.model, rows)


def _overdue(model: str, rows: Snapshot) -> bool:
    """Return whether the last answer was late, or a call waits for too long and none begun after it was answered."""
    record = rows.models.get(model)
    limit = pace.overdue_after(record) if record is not None else None
    if record is None or limit is None:
        return False
    if record.latencies_ms[-1] > 1000.0 * limit:
        return True
    since, answered = rows.waiting.get(model, rows.at), record.last_call_success_at or 0.0
    return rows.at - since > limit and answered <= since + limit / pace.OVERDUE


def _head(able: Classes, rows: Snapshot, settings: Settings, *, by_group: bool) -> Place | None:
    """Return the one model that is tried before its peers: due for a trial, or critical and not asked for a while."""
    due = [trial(one, "due for a trial") for one in able.trials]
    if able.fit:
        due += [
            Place(one, "critical: asked once per interval", critical_lease(one), settings.health.interval)
            for one in able.critical
            if critical_lease(one) not in rows.leases
        ]
    return min(due, key=lambda one: one.entry.group if by_group else 0, default=None)


def _rest(able: Classes, head: Place | None, rows: Snapshot) -> list[Place]:
    """Return those asked when all that fit have failed: critical, trials, weight 0 or the least suspect, offline."""
    first = head.entry if head else None
    later = sorted((one for one in able.critical if one is not first), key=_by_score)
    critical = [Place(one, "critical: only when nothing better can") for one in later]
    trials = [trial(one, "due for a trial, after those that work") for one in able.trials if one is not first]
    spare = [trial(one, "weight 0: only when all others failed") for one in able.spare]
    offline = [Place(one, "offline provider: always last") for one in able.offline]
    last: list[Place] = []
    if not (able.fit or able.critical or able.trials or able.spare):
        last = [trial(one, "all else is out: the least suspect is tried") for one in least_suspect(able.last, rows)]
    return [*critical, *trials, *spare, *last, *offline]


def _by_score(entry: Entry) -> tuple[float, int, int]:
    return -entry.score, entry.load, entry.candidate.position


def _by_group_and_score(entry: Entry) -> tuple[int, float, int, int]:
    return entry.group, -entry.score, entry.load, entry.candidate.position


class _Chance(NamedTuple):
    """Whose turn it is, and by what another is drawn."""

    turns: Credits
    rows: Snapshot
    rng: Random


def _balanced(fit: list[Entry], head: Place | None, chance: _Chance) -> tuple[list[Place], Credits]:
    """Return the turn of the nearest group first, then everyone by group and score."""
    turns = chance.turns
    ordered = sorted(fit, key=_by_group_and_score)
    order = []
    if ordered:
        nearest = ordered[0].group
        winner, turns = _turn([one for one in ordered if one.group == nearest], turns)
        order = [Place(winner, "its turn, by its share")]
        order += [Place(one, "suits the request, by score") for one in ordered if one is not winner]
    if head is not None:
        at = sum(1 for one in order if one.entry.group < head.entry.group)
        order.insert(at, head)
    return order, turns


def _turn(group: list[Entry], turns: Credits) -> tuple[Entry, Credits]:
    """Return whose turn it is by smooth weighted round robin, and the credits after it."""
    total = sum(one.score for one in group)
    after = dict(turns)
    best, most = group[0], (-inf, 0, 0)
    for one in group:
        name = one.candidate.ref.model
        credit = after[name] = _clamped(after.get(name, 0.0) + one.score, total)
        rank = (credit, -one.load, -one.candidate.position)
        if rank > most:
            best, most = one, rank
    winner = best.candidate.ref.model
    after[winner] = _clamped(after[winner] - total, total)
    return best, after


def _clamped(credit: float, total: float) -> float:
    if -total <= credit <= total:
        return credit
    return total if credit > 0 else -total


def _priority(fit: list[Entry], head: Place | None, chance: _Chance) -> tuple[list[Place], Credits]:
    order = [Place(one, "in the chain's order") for one in fit]
    return _inserted(order, head, lambda place: place.entry.candidate.position), chance.turns


def _fastest(fit: list[Entry], head: Place | None, chance: _Chance) -> tuple[list[Place], Credits]:
    def measure(place: Place) -> float:
        return place.entry.seconds / _low(place)

    order = [Place(one, "by expected seconds per success") for one in fit]
    new = next((place for place in order if _unasked(place.entry.candidate.ref, chance)), None)
    if new is None:
        return _least(order, head, measure, chance), chance.turns
    order.remove(new)
    order.sort(key=lambda place: (measure(place), place.entry.load))
    first = [new._replace(why="not asked yet: its time is not known")]
    return (first if head is None else [head, *first]) + order, {**chance.turns, new.entry.candidate.ref.model: 0.0}


def _unasked(ref: ModelRef, chance: _Chance) -> bool:
    """Return whether no call was answered or failed by a model, and none was sent to it to learn its time."""
    return ref.model not in chance.turns and _last_called(ref, chance.rows) is None


def _cheapest(fit: list[Entry], head: Place | None, chance: _Chance) -> tuple[list[Place], Credits]:
    def measure(place: Place) -> float:
        usd = place.entry.candidate.expected_cost
        return inf if usd is None else usd / _low(place)

    return _least([Place(one, "by expected cost per success") for one in fit], head, measure, chance), chance.turns


def _low(place: Place) -> float:
    return _UNTRIED if place.lease else place.entry.standing.success_low


def _least(order: list[Place], head: Place | None, measure: Callable[[Place], float], chance: _Chance) -> list[Place]:
    """Return the order by a measure, least first; now and then another one is first."""
    order.sort(key=lambda place: (measure(place), place.entry.load))
    at = _explored(order, measure, chance)
    if at is None:
        return _inserted(order, head, measure)
    other = order.pop(at)
    order.insert(0, other._replace(why="explored: one call of twenty at most"))
    return order if head is None else [head, *order]


def _explored(order: list[Place], measure: Callable[[Place], float], chance: _Chance) -> int | None:
    """Return the index of the model that is asked in place of the first: likely one that could be the better."""
    drawn = chance.rng.random()
    if len(order) < 2 or drawn >= EXPLORED:
        return None
    best = measure(order[0])
    chances = [_likely(place, best, measure(place), chance.rows) for place in order[1:]]
    if drawn >= max(SELDOM, EXPLORED * max(chances)):
        return None
    at, drawn = 1, chance.rng.random() * sum(chances)
    for likely in chances[:-1]:
        drawn -= likely
        if drawn < 0.0:
            break
        at += 1
    return at


def _likely(place: Place, best: float, own: float, rows: Snapshot) -> float:
    """Return how likely a model is explored: 1 for one as good as the first, or that nothing is known of now."""
    called = _last_called(place.entry.candidate.ref, rows)
    if called is None or rows.at - called >= UNSEEN or own <= best:
        return 1.0
    return max((best / own) ** NEARNESS, LEAST_LIKELY)


def _last_called(ref: ModelRef, rows: Snapshot) -> float | None:
    """Return when a call last answered or failed at a model; one that fails is not explored again at once."""
    model, deployment = rows.models.get(ref.model), rows.deployments.get(ref.deployment)
    answered = model.last_call_success_at if model is not None else None
    failed = deployment.last_call_failure_at if deployment is not None else None
    if answered is None or failed is None:
        return failed if answered is None else answered
    return max(answered, failed)


def _inserted(order: list[Place], head: Place | None, key: Callable[[Place], float]) -> list[Place]:
    if head is None:
        return order
    at = sum(1 for one in order if key(one) < key(head))
    return [*order[:at], head, *order[at:]]


_STRATEGIES: dict[Strategy, Callable[[list[Entry], Place | None, _Chance], tuple[list[Place], Credits]]] = {
    "balanced": _balanced,
    "priority": _priority,
    "fastest": _fastest,
    "cheapest": _cheapest,
}
