"""How long a refusal holds, and what an account may do: pure steps, as for the breaker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb_state.core.decay import DAY, HOUR, ends, in_the_future
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from random import Random

    from archfb_state.records import AccountRecord, Attempt, DeploymentRecord

FIRST_WAIT = 5.0
LONGEST_WAIT = 120.0
"""Seconds of the back-off of a rate limit that named no time: 5 · 2^k, full jitter, at most 120."""
QUOTA_WAIT = 6 * HOUR
LONGEST_HOLD = 32 * DAY
"""A spend cap ends with its month; a longer hold than that is no provider's."""
TOGETHER = 60.0
"""Seconds within which refusals of two deployments mean their account."""
BUDGET_AHEAD = HOUR
"""Seconds that a used-up request budget may look ahead; a later reset is left to the refusal that says so."""

_REFUSALS = {403: "access refused", 404: "access refused", 451: "region not served"}


def rate_wait(attempt: Attempt, at: float, count: int, rng: Random) -> float:
    """Return the seconds that a rate limit holds: what it says, else an exponential wait with full jitter."""
    named = attempt.retry_after_s
    if named is None and attempt.reset_at is not None:
        named = attempt.reset_at - at
    if named is not None and named - named == 0:
        return min(max(named, 0.0), LONGEST_HOLD)
    return rng.uniform(0.0, min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(count, 10)))


def rate_count(record: DeploymentRecord, attempt: Attempt, at: float) -> int:
    """Return the k of the next unnamed wait; refusals while held are one refusal."""
    if attempt.retry_after_s is not None or (record.hold_until is not None and record.hold_until > at):
        return record.hold_count
    return min(record.hold_count + 1, 10)


def quota_wait(attempt: Attempt, at: float) -> float:
    """Return the seconds until a quota's reset, else six hours (or longer, where the answer asked for longer)."""
    if attempt.reset_at is not None and attempt.reset_at > at:
        return min(attempt.reset_at - at, LONGEST_HOLD)
    return min(max(QUOTA_WAIT, attempt.retry_after_s or 0.0), LONGEST_HOLD)


def rebased(record: AccountRecord, now: float) -> AccountRecord:
    """Return the record by the clock as it is now, where that was set back since: held for what was left then."""
    changes: dict[str, Any] = {}
    if in_the_future(record.refused_at, now):
        until = ends(record.hold_until, record.refused_at, now)
        changes = {"refused_at": now, "refused_deployment": None, "hold_until": until}
        changes |= {"hold_outcome": None} if until is None else {}
    if in_the_future(record.blocked_at, now):
        changes["blocked_at"] = None
    return record._replace(**changes) if changes else record


def held_until(record: AccountRecord, now: float) -> float | None:
    """Return until when an account is held (a refusal, a quota, or no request left), or None."""
    refusal, reset = ends(record.hold_until, record.refused_at, now), record.remaining_reset_at
    if record.remaining_requests == 0 and reset is not None and now < reset <= now + BUDGET_AHEAD:
        return reset if refusal is None else max(refusal, reset)
    return refusal


def blocked(record: AccountRecord, attempt: Attempt, at: float) -> AccountRecord:
    """Return the account blocked until its key changes or a probe succeeds."""
    reason = _REFUSALS.get(attempt.http_status or 0, "key rejected")
    return record._replace(block_outcome=str(attempt.outcome), block_reason=reason, blocked_at=at)


def out_of_quota(record: AccountRecord, attempt: Attempt, at: float) -> AccountRecord:
    """Return the account held until its quota's reset."""
    reason = "no credit" if attempt.reset_at is None else "quota used up"
    changes: dict[str, Any] = {"refused_at": at, "refused_deployment": attempt.deployment}
    if record.block_outcome is None:
        changes["block_reason"] = reason
    return record._replace(**changes, **_hold(record, attempt, at + quota_wait(attempt, at)))


def refused(record: AccountRecord, attempt: Attempt, at: float, until: float) -> AccountRecord:
    """Return the account after a rate limit: held when it was named, or a second deployment was refused too."""
    hold = _hold(record, attempt, until) if attempt.scope == "account" or _second(record, attempt, at) else {}
    return record._replace(refused_at=at, refused_deployment=attempt.deployment, **hold)


def _second(record: AccountRecord, attempt: Attempt, at: float) -> bool:
    other = record.refused_deployment not in {None, attempt.deployment}
    return other and record.refused_at is not None and at - record.refused_at <= TOGETHER


def _hold(record: AccountRecord, attempt: Attempt, until: float) -> dict[str, Any]:
    if record.hold_until is not None and record.hold_until >= until:
        return {}
    return {"hold_until": until, "hold_outcome": str(attempt.outcome)}


def answered(record: AccountRecord, attempt: Attempt) -> AccountRecord:
    """Return the account after an answer to what was asked since: a key that works is not blocked.

    A used-up quota is disproved by a generation only; the end of a rate limit is never moved.
    """
    changes: dict[str, Any] = {}
    if record.block_outcome is not None and attempt.started_at >= (record.blocked_at or 0.0):
        changes = {"block_outcome": None, "block_reason": None, "blocked_at": None}
    quota = record.hold_outcome == Outcome.QUOTA_EXHAUSTED and record.hold_until is not None
    if quota and attempt.kind != "metadata" and attempt.started_at >= (record.refused_at or 0.0):
        changes |= {"hold_until": None, "hold_outcome": None}
    return record._replace(**changes) if changes else record
