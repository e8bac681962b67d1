"""The candidates of a decision with what is known of them, sorted by what may be done with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb_state.core import pace
from archfb_state.core.latest import Latest
from archfb_state.core.levels import median
from archfb_state.core.standing import standing
from archfb_state.decisions import Ranked
from archfb_state.records import DeploymentRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb_state.decisions import Candidate, Demand
    from archfb_state.records import Snapshot, Standing
    from archfb_state.settings import Settings, Tier

DEGRADED = 0.25
"""The health factor of a score where a model is degraded."""
TRIAL_LEASE = 130.0
"""Seconds after which a trial's lease is free again although its process has died: an attempt's usual time-out."""
NO_KEY = "no key"

NEAREST: dict[Tier, dict[Tier, int]] = {
    "low": {"low": 0, "medium": 1, "high": 2},
    "medium": {"medium": 0, "high": 1, "low": 2},
    "high": {"high": 0, "medium": 1, "low": 2},
}
"""How near a model's tier is to a request's complexity; of two equally near the higher is nearer."""

_NOBODY = DeploymentRecord("")


class Entry(NamedTuple):
    """A candidate with what is known of it."""

    candidate: Candidate
    standing: Standing
    seconds: float
    speed: float
    health: float
    score: float
    load: int
    group: int


class Place(NamedTuple):
    """A candidate's place in the order of asking, and the lease that it needs."""

    entry: Entry
    why: str
    lease: str | None = None
    lease_s: float = 0.0


class Classes(NamedTuple):
    """The candidates that may be asked, by when."""

    fit: list[Entry]
    critical: list[Entry]
    trials: list[Entry]
    spare: list[Entry]
    offline: list[Entry]
    last: list[Entry]


def entries(
    candidates: Sequence[Candidate], rows: Snapshot, demand: Demand, settings: Settings, now: float
) -> list[Entry]:
    """Return the candidates with standing, expected seconds and score.

    An unknown time is the chain's median; the offline provider takes none.
    """
    nearest, models, loads = NEAREST[demand.complexity], rows.models, rows.in_flight
    times = [pace.expected_seconds(models.get(one.ref.model), one.expected_output) for one in candidates]
    known_times = [one for one in times if one is not None]
    usual = median(known_times) if known_times else 0.0
    found = []
    for one, known in zip(candidates, times, strict=True):
        name, seconds = one.ref.model, 0.0 if one.offline else usual if known is None else known
        now_is, load, group = standing(one.ref, rows, settings, now), loads.get(name, 0), nearest[one.tier]
        last = _entries.get(name)
        if (
            last is None
            or last.standing is not now_is
            or last.candidate is not one
            or last.seconds != seconds
            or last.load != load
            or last.group != group
        ):
            last = _entries.keep(name, _entry(one, now_is, seconds, load, group))
        found.append(last)
    return found


_entries: Latest[Entry] = Latest()
"""Each model's last entry: most are in the next decision as they were."""


def _entry(one: Candidate, now_is: Standing, seconds: float, load: int, group: int) -> Entry:
    quick = pace.speed(seconds)
    health = DEGRADED if now_is.status == "degraded" else 1.0
    return Entry(one, now_is, seconds, quick, health, one.weight * now_is.success * quick * health, load, group)


def classes(found: Sequence[Entry], rows: Snapshot) -> Classes:
    """Return the candidates that may be asked, each in one class, in the chain's order."""
    sorted_ = Classes([], [], [], [], [], [])
    for entry in sorted(found, key=_position):
        row = _class(entry, sorted_, rows)
        if row is not None:
            row.append(entry)
    return sorted_


def _position(entry: Entry) -> int:
    return entry.candidate.position


def _class(entry: Entry, sorted_: Classes, rows: Snapshot) -> list[Entry] | None:
    candidate, now_is = entry.candidate, entry.standing
    if candidate.excluded is not None:
        return None
    if candidate.offline:
        return sorted_.offline
    if now_is.status == "unavailable":
        if not (now_is.trial or now_is.last_resort) or trial_lease(entry) in rows.leases:
            return None
        return (sorted_.trials if candidate.weight > 0 else sorted_.spare) if now_is.trial else sorted_.last
    if candidate.weight <= 0:
        return sorted_.spare
    return sorted_.critical if now_is.critical else sorted_.fit


def trial_lease(entry: Entry) -> str:
    """Return the lease under which an unavailable model is tried."""
    return f"trial:{entry.candidate.ref.deployment}"


def critical_lease(entry: Entry) -> str:
    """Return the lease under which a critical model is asked before its turn."""
    return f"critical:{entry.candidate.ref.deployment}"


def trial(entry: Entry, why: str) -> Place:
    """Return the place of a model that is asked under its trial's lease where it is unavailable."""
    if entry.standing.status != "unavailable":
        return Place(entry, why)
    return Place(entry, why, trial_lease(entry), TRIAL_LEASE)


def least_suspect(found: Sequence[Entry], rows: Snapshot) -> list[Entry]:
    """Return the open model that is most likely to answer, or none; those of weight 0 after all others."""

    def suspicion(entry: Entry) -> tuple[bool, int, float, int]:
        record = rows.deployments.get(entry.candidate.ref.deployment, _NOBODY)
        return entry.candidate.weight <= 0, record.consecutive, record.suspicion, entry.candidate.position

    return sorted(found, key=suspicion)[:1]


def ranked(order: Sequence[Place], found: Sequence[Entry], rows: Snapshot) -> tuple[Ranked, ...]:
    """Return those that are asked, in order, then those left out in the chain's order."""
    asked = {place.entry.candidate.ref.model for place in order}
    left_out = [_left_out(one, rows) for one in found if one.candidate.ref.model not in asked]
    return (*(_asked(place) for place in order), *left_out)


def _asked(place: Place) -> Ranked:
    """Return a candidate's place as the decision tells it: the last one's, where nothing about it has changed."""
    entry = place.entry
    now_is = entry.standing
    last = _last.get(now_is.model)
    if last is not None and last.place.entry is not entry:
        last = None
    if last is not None and last.place[1:] == place[1:]:
        return last.ranked
    why = place.why if now_is.status != "degraded" else f"{place.why}; {now_is.reason}"
    found = Ranked(
        now_is.model,
        now_is.status,
        entry.score,
        True,
        why,
        _terms(entry) if last is None else last.ranked.terms,
        now_is.retry_at,
        entry.group,
        place.lease,
        place.lease_s,
    )
    return _last.keep(now_is.model, _Last(place, found)).ranked


class _Last(NamedTuple):
    """A candidate's place, and how it was told."""

    place: Place
    ranked: Ranked


_last: Latest[_Last] = Latest()


def _left_out(entry: Entry, rows: Snapshot) -> Ranked:
    candidate, now_is = entry.candidate, entry.standing
    status, why, retry_at = now_is.status, now_is.reason, now_is.retry_at
    if candidate.excluded is not None:
        why, retry_at = candidate.excluded, None
        status = "unavailable" if why.startswith(NO_KEY) else status
    elif (lease := trial_lease(entry)) in rows.leases:
        why, retry_at = f"{why}; being tried by another call", rows.leases[lease]
    return Ranked(candidate.ref.model, status, entry.score, False, why, _terms(entry), retry_at, entry.group)


def _terms(entry: Entry) -> dict[str, float]:
    now_is, cost = entry.standing, entry.candidate.expected_cost
    terms = {
        "weight": entry.candidate.weight,
        "success": now_is.success,
        "speed": entry.speed,
        "health": entry.health,
        "group": entry.group,
        "seconds": entry.seconds,
        "success_low": now_is.success_low,
    }
    if cost is not None:
        terms["usd"] = cost
    return terms
