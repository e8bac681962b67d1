"""Why a call failed, per model: the sentence, what to do about it, and when trying again may help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.routing.roster import Member, Roster
    from archfb_state.decisions import Decision
    from archfb_state.records import Attempt


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the table of a failed call."""

    model: str
    outcome: str
    """The last attempt's outcome, or "not asked"."""
    why: str
    advice: str
    retry_at: float | None = None


ADVICE: dict[str, str] = {
    Outcome.RATE_LIMITED: "wait, or add a model of another provider",
    Outcome.QUOTA_EXHAUSTED: "top up at the provider; retrying will not help",
    Outcome.AUTH: "check the key and its permissions",
    Outcome.MODEL_NOT_FOUND: "check the model id, or your access to it",
    Outcome.CONTEXT_TOO_LONG: "send less, or add a model with a larger window",
    Outcome.CONTENT_FILTERED: "rephrase, or ask a model of another provider",
    Outcome.INVALID_REQUEST: "check the preset's settings",
    Outcome.OVERLOADED: "try again later",
    Outcome.SERVER_ERROR: "try again later",
    Outcome.TIMEOUT: "try again later, or raise the provider's timeout",
    Outcome.NETWORK: "check base_url, proxy and network",
    Outcome.MALFORMED: "check base_url: is it the API?",
    Outcome.TRUNCATED: "raise max_output_tokens",
}


def reasons(decision: Decision, attempts: Sequence[Attempt], members: Roster) -> tuple[Reason, ...]:
    """Return one row per candidate, in the decision's order; a candidate that was not asked says why."""
    last = {one.model: one for one in attempts}
    rows = []
    for ranked in decision.ranked:
        if ranked.model in last:
            rows.append(_tried(last[ranked.model], members[ranked.model]))
        else:
            rows.append(Reason(ranked.model, "not asked", ranked.why, "", ranked.retry_at))
    return tuple(rows)


def _tried(attempt: Attempt, member: Member) -> Reason:
    return Reason(
        attempt.model,
        str(attempt.outcome),
        sentence(attempt, member),
        ADVICE.get(attempt.outcome, ""),
        _retry_at(attempt),
    )


def _retry_at(attempt: Attempt) -> float | None:
    if attempt.reset_at is not None:
        return attempt.reset_at
    return None if attempt.retry_after_s is None else attempt.ended_at + attempt.retry_after_s


def sentence(attempt: Attempt, member: Member) -> str:
    """Return what happened in one sentence, the provider's own words last."""
    own = f": {attempt.message}" if attempt.message else ""
    status = f" (HTTP {attempt.http_status})" if attempt.http_status and attempt.http_status != 200 else ""
    return f"{_HAPPENED[attempt.outcome].format(env=member.provider.api_key_env or 'no variable')}{status}{own}"


_HAPPENED: dict[str, str] = {
    Outcome.OK: "answered",
    Outcome.RATE_LIMITED: "rate limited",
    Outcome.QUOTA_EXHAUSTED: "the account has no credit or quota left",
    Outcome.AUTH: "the provider rejected the key in {env}",
    Outcome.MODEL_NOT_FOUND: "model not found or no access",
    Outcome.CONTEXT_TOO_LONG: "the prompt is too long for it",
    Outcome.CONTENT_FILTERED: "declined to answer",
    Outcome.INVALID_REQUEST: "refused the request",
    Outcome.OVERLOADED: "overloaded",
    Outcome.SERVER_ERROR: "failed at the provider",
    Outcome.TIMEOUT: "timed out",
    Outcome.NETWORK: "could not be reached",
    Outcome.MALFORMED: "gave no usable answer",
    Outcome.TRUNCATED: "stopped at its output limit without text",
    Outcome.CANCELLED: "was interrupted",
}
