"""One deployment's breaker: pure steps from a record and an event to the next record.

closed → open after `retry_count` failures in a row or when a sequential test says that the deployment is bad;
open → closed on probation after a real generation; any → retired when the provider no longer knows the model.
The numbers are those of a CUSUM test of a failure rate of 5 % against 50 %.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any

from archfb_state.core.decay import DAY, HOUR, SKEW, elapsed, ends, fraction, in_the_future
from archfb_state.core.levels import error_level
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from random import Random

    from archfb_state.records import Attempt, DeploymentRecord
    from archfb_state.settings import Health, Settings

FAILURE_STEP = 2.30
"""ln(0.5 / 0.05): what one failure adds to the suspicion."""
SUCCESS_STEP = 0.64
"""ln(0.95 / 0.5): what one success takes off it."""
SUSPICION_LIMIT = 6.5
"""For three failures in a row; each further one that `retry_count` allows moves it by a failure's step."""
SUSPICION_HALF_LIFE = 6 * HOUR
EVIDENCE_HALF_LIFE = DAY
MOST_EVIDENCE = 50.0
QUIET = 1800.0
"""Seconds without a failure after which the back-off forgets one opening."""
JITTER = 0.2
PROBATION = 2
"""Successes that a re-closed breaker owes, and failures that re-open it."""
PROBATION_ENDS = 1800.0
"""Seconds without a failure after which probation is over too."""
RETIRED_AFTER = 60.0
"""Seconds between two refusals of a model's name until it is retired, and the hold in between."""
RETIRED_CHECK = DAY
NOT_FOUND = str(Outcome.MODEL_NOT_FOUND)

_WEIGHTS = {"call": (1.0, 1.0), "completion": (0.7, 1.0), "metadata": (0.0, 0.5)}


def weight(attempt: Attempt, *, success: bool) -> float:
    """Return how much an attempt proves: a free probe less than a completion, that less than a call."""
    if not success and attempt.kind == "completion" and attempt.outcome is Outcome.TIMEOUT:
        return 0.5
    good, bad = _WEIGHTS[attempt.kind]
    return good if success else bad


def rebased(record: DeploymentRecord, now: float) -> DeploymentRecord:
    """Return the record by the clock as it is now, where that was set back since: held no longer, its waits over."""
    if not in_the_future(record.last_event_at, now):
        return record
    until = held_until(record, now)
    return record._replace(
        last_event_at=now,
        episode_end=None,
        hold_until=until,
        hold_outcome=None if until is None else record.hold_outcome,
        retry_at=None,
        opened_at=None if record.opened_at is None else now,
        openings_at=None if record.openings_at is None else now,
        not_found_at=None if record.not_found_at is None else now,
    )


def retry_at(record: DeploymentRecord, now: float, health: Health) -> float | None:
    """Return when an open or retired deployment is tried again; None: it is due.

    An instant further off than any back-off reaches was written by another clock or configuration, and is due.
    """
    longest = RETIRED_CHECK if record.breaker == "retired" else health.backoff_max
    at = record.retry_at
    if at is None or at <= now or at > now + longest + SKEW or in_the_future(record.last_event_at, now):
        return None
    return at


def held_until(record: DeploymentRecord, now: float) -> float | None:
    """Return until when a deployment is held, or None."""
    return ends(record.hold_until, record.last_event_at, now)


def on_probation(record: DeploymentRecord, now: float) -> bool:
    """Return whether a re-closed breaker still owes successes."""
    return record.probation > 0 and now - (record.openings_at or 0.0) < PROBATION_ENDS


def joins(record: DeploymentRecord, attempt: Attempt) -> bool:
    """Return whether a failure belongs to an episode already counted: begun before that ended, or a repeat."""
    return attempt.repeat or (record.episode_end is not None and attempt.started_at < record.episode_end)


def failed(
    record: DeploymentRecord, attempt: Attempt, at: float, settings: Settings, rng: Random
) -> DeploymentRecord:
    """Return the record after a failure that is held against the deployment."""
    if joins(record, attempt):
        return record
    waiting = record.breaker in {"open", "half_open"}
    changes = _aged(record, attempt, at)
    changes |= {
        "consecutive": record.consecutive + 1,
        "episode_end": at,
        "last_failure": str(attempt.outcome),
        "last_failure_at": at,
    }
    if attempt.kind == "call":
        changes["last_call_failure_at"] = at
    if not waiting:
        changes |= _worse(record, attempt, changes, settings)
    changes |= _opened(record, attempt, changes, at, settings.health, rng)
    return record._replace(**changes)


def _aged(record: DeploymentRecord, attempt: Attempt, at: float) -> dict[str, Any]:
    """Return the decayed evidence as of an event."""
    gap = elapsed(record.last_event_at, at)
    left = fraction(gap, EVIDENCE_HALF_LIFE)
    probed = {} if attempt.kind == "call" else {"last_probe_at": at}
    return {
        **probed,
        "last_event_at": at,
        "suspicion": record.suspicion * fraction(gap, SUSPICION_HALF_LIFE),
        "alpha": record.alpha * left,
        "beta": record.beta * left,
        "calls": record.calls * left,
        "errors": record.errors * left,
    }


def _worse(record: DeploymentRecord, attempt: Attempt, aged: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the evidence with one more failure. Failures while open are trials, and say nothing of its use."""
    bad = weight(attempt, success=False)
    call = attempt.kind == "call"
    calls, errors = aged["calls"] + call, aged["errors"] + call
    return {
        "suspicion": aged["suspicion"] + FAILURE_STEP * bad,
        **_capped(aged["alpha"], aged["beta"] + bad),
        "calls": calls,
        "errors": errors,
        "error_level": error_level(calls, errors, record.error_level, settings.of(attempt.model)),
    }


def _capped(alpha: float, beta: float) -> dict[str, float]:
    scale = min(1.0, MOST_EVIDENCE / (alpha + beta))
    return {"alpha": alpha * scale, "beta": beta * scale}


def _opened(
    record: DeploymentRecord, attempt: Attempt, seen: dict[str, Any], at: float, health: Health, rng: Random
) -> dict[str, Any]:
    """Return what opens the breaker, or raises its back-off where a trial failed; else what stays of probation."""
    if record.breaker == "retired":
        return {"retry_at": at + HOUR}
    if record.breaker != "closed":
        trial = record.retry_at is None or attempt.started_at >= record.retry_at
        return _wait(record.openings, at, health, rng) if trial else {}
    openings = _openings(record, at)
    spell = record.probation_failures + 1 if on_probation(record, at) else 0
    limit = SUSPICION_LIMIT + FAILURE_STEP * max(0, health.retry_count - 3)
    if seen["consecutive"] >= health.retry_count or seen["suspicion"] >= limit or spell >= PROBATION:
        return {"opened_at": at, **_wait(openings, at, health, rng)}
    return {
        "openings": openings,
        "openings_at": at,
        "probation": record.probation if spell else 0,
        "probation_failures": spell,
    }


def _openings(record: DeploymentRecord, at: float) -> int:
    quiet = max(0.0, at - record.openings_at) if record.openings_at is not None else 0.0
    return max(0, record.openings - int(quiet // QUIET))


def _wait(openings: int, at: float, health: Health, rng: Random) -> dict[str, Any]:
    """Return an open breaker that waits base · factor^n, jittered by a fifth and capped."""
    full = health.backoff_base * exp(min(openings * log(health.backoff_factor), 60.0))
    wait = min(health.backoff_max, full * (1.0 - JITTER + 2.0 * JITTER * rng.random()))
    return {
        "breaker": "open",
        "retry_at": at + wait,
        "openings": openings + 1 if full < health.backoff_max else openings,
        "openings_at": at,
        "probation": 0,
        "probation_failures": 0,
    }


def succeeded(record: DeploymentRecord, attempt: Attempt, at: float, settings: Settings) -> DeploymentRecord:
    """Return the record after an answer. A free probe proves key and name only, never that a failure is over."""
    changes = _aged(record, attempt, at)
    changes["last_success_at"] = at
    if attempt.kind != "metadata":
        changes |= _better(record, attempt, changes, settings)
    if record.breaker in {"open", "half_open"}:
        changes |= _closed(record, attempt, at)
    elif record.not_found_at is not None or record.breaker == "retired":
        changes |= _found(record)
    return record._replace(**changes)


def _better(record: DeploymentRecord, attempt: Attempt, aged: dict[str, Any], settings: Settings) -> dict[str, Any]:
    good = weight(attempt, success=True)
    calls = aged["calls"] + (attempt.kind == "call")
    owed = max(0, record.probation - 1)
    better = {
        "suspicion": max(0.0, aged["suspicion"] - SUCCESS_STEP * good),
        **_capped(aged["alpha"] + good, aged["beta"]),
        "calls": calls,
        "error_level": error_level(calls, aged["errors"], record.error_level, settings.of(attempt.model)),
        "hold_count": 0,
        "probation": owed,
        "probation_failures": record.probation_failures if owed else 0,
    }
    if record.breaker not in {"open", "half_open"}:
        better["consecutive"] = 0
    return better


def _closed(record: DeploymentRecord, attempt: Attempt, at: float) -> dict[str, Any]:
    """Return a breaker closed on probation; an answer to what was asked before it opened proves nothing."""
    if attempt.kind == "metadata" or (record.opened_at is not None and attempt.started_at < record.opened_at):
        return {}
    return {
        "breaker": "closed",
        "consecutive": 0,
        "suspicion": 0.0,
        "calls": float(attempt.kind == "call"),
        "errors": 0.0,
        "error_level": "",
        "opened_at": None,
        "retry_at": None,
        "openings_at": at,
        "probation": PROBATION,
        "probation_failures": 0,
        "not_found_at": None,
    }


def _found(record: DeploymentRecord) -> dict[str, Any]:
    found: dict[str, Any] = {"not_found_at": None}
    if record.hold_outcome == NOT_FOUND:
        found |= {"hold_until": None, "hold_outcome": None}
    if record.breaker == "retired":
        found |= {"breaker": "closed", "retry_at": None}
    return found


def missing(record: DeploymentRecord, attempt: Attempt, at: float) -> DeploymentRecord:
    """Return the record after "no such model": held for a minute, retired when it is said again or the list agrees.

    A list that leaves out a model which has answered is not believed.
    """
    listed = attempt.kind == "metadata"
    if listed and record.alpha > 0:
        return record
    first, by_call = record.not_found_at, record.hold_outcome == NOT_FOUND
    changes = _aged(record, attempt, at)
    if record.breaker == "retired" or (first is not None and (at - first >= RETIRED_AFTER or by_call == listed)):
        changes |= {"breaker": "retired", "retry_at": at + RETIRED_CHECK}
    elif first is None:
        changes["not_found_at"] = at
        changes |= {} if listed else _hold(record, at + RETIRED_AFTER, NOT_FOUND)
    return record._replace(**changes)


def held(record: DeploymentRecord, attempt: Attempt, at: float, until: float, *, count: int) -> DeploymentRecord:
    """Return the record held until an instant; a hold is never moved earlier."""
    hold = _hold(record, until, str(attempt.outcome))
    return record._replace(**{"hold_count": count, **_aged(record, attempt, at), **hold})


def _hold(record: DeploymentRecord, until: float, outcome: str) -> dict[str, Any]:
    if record.hold_until is not None and record.hold_until >= until:
        return {}
    return {"hold_until": until, "hold_outcome": outcome}
