"""Why a call failed, per model: the sentence, what to do about it, and when trying again may help."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from archfb.routing.roster import Member, Roster
    from archfb_state.decisions import Decision, Ranked
    from archfb_state.records import Attempt, Snapshot


class Reason(NamedTuple):
    """One row of the table of a failed call."""

    model: str
    outcome: str
    """The last attempt's outcome, or "not asked"."""
    why: str
    retry_at: float | None = None


class Scene(NamedTuple):
    """What a sentence needs beside the attempt: who shares the key, the prompt's tokens, windows, what is stored."""

    members: Roster
    chained: Collection[str]
    """The models that chains name."""
    tokens: int
    windows: Mapping[str, int | None]
    rows: Snapshot


def reasons(decision: Decision, attempts: Sequence[Attempt], scene: Scene) -> tuple[Reason, ...]:
    """Return one row per candidate, in the decision's order; a candidate that was not asked says why."""
    last = {one.model: one for one in attempts}
    too_long = all(one.outcome is Outcome.CONTEXT_TOO_LONG for one in last.values())
    rows = []
    for ranked in decision.ranked:
        if ranked.model not in last:
            rows.append(_skipped(ranked))
            continue
        row = _tried(last[ranked.model], scene)
        rows.append(row._replace(why=f"{row.why} None takes it.") if too_long else row)
    return tuple(rows)


def _skipped(ranked: Ranked) -> Reason:
    why = "it was not its turn yet" if ranked.eligible else ranked.why
    return Reason(ranked.model, "not asked", f"{why}.", ranked.retry_at)


def _tried(attempt: Attempt, scene: Scene) -> Reason:
    return Reason(
        attempt.model,
        str(attempt.outcome),
        sentence(attempt, scene),
        _retry_at(attempt),
    )


def _retry_at(attempt: Attempt) -> float | None:
    if attempt.reset_at is not None:
        return attempt.reset_at
    return None if attempt.retry_after_s is None else attempt.ended_at + attempt.retry_after_s


def sentence(attempt: Attempt, scene: Scene) -> str:
    """Return what happened, and what follows from it, in a sentence or two."""
    member = scene.members[attempt.model]
    told = _TOLD.get(attempt.outcome)
    if told is not None:
        return told(attempt, member, scene)
    if attempt.outcome in _OWN_WORDS and attempt.message:
        return _ended(attempt.message)
    status = f" (HTTP {attempt.http_status})" if attempt.http_status and attempt.http_status != 200 else ""
    said = f": {attempt.message}" if attempt.message and attempt.message != f"HTTP {attempt.http_status}." else ""
    return _ended(f"{_HAPPENED[attempt.outcome]}{status}{said}")


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


_REGION = re.compile(r"country|region|location|territory", re.IGNORECASE)


def _refused(attempt: Attempt, member: Member, scene: Scene) -> str:
    words = f"{attempt.code or ''} {attempt.message or ''}"
    if attempt.http_status in {403, 451} or _REGION.search(words):
        return f"Provider does not serve this region/account ({_code(attempt)})."
    env = member.provider.api_key_env
    if env is None:
        return "Provider wants a key; name its variable in the configuration: api_key_env."
    # Models that no chain names are not shown anywhere; that they are blocked too would puzzle.
    asked = {attempt.model, *scene.chained}
    sharing = sum(scene.members[name].ref.account == attempt.account for name in asked)
    who = "The one model using it is blocked" if sharing == 1 else f"All {sharing} models using it are blocked"
    return f"Provider rejected the key in {env} (fingerprint {attempt.account.rpartition('#')[2]}). {who}."


def _code(attempt: Attempt) -> str:
    """Return the provider's code where it is a word, else the status."""
    code = attempt.code or ""
    return code if re.search("[A-Za-z]", code) else f"HTTP {attempt.http_status}"


_MONTHLY = "enforced_spend_limit_reached"
_OWN_LIMITS = {
    "organization_usage_limit_exceeded",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
}
_OWN_LIMIT_WORDS = "specified API usage limits"
_HINT = re.compile(r"\(Hint to retry in ([0-9.e+]+s) ignored")
_A_DAY = 90_000.0
"""Seconds within which a reset is a daily one: 24 hours, and one for a change to or from summer time."""


def _out_of_quota(attempt: Attempt, member: Member, scene: Scene) -> str:  # noqa: ARG001 - a sentence like the others
    at = attempt.reset_at
    resumes = "" if at is None else f"; resumes {_date(at)}"
    if attempt.code == _MONTHLY:
        return f"Monthly spend cap reached{resumes}."
    if attempt.code in _OWN_LIMITS or _OWN_LIMIT_WORDS in (attempt.message or ""):
        return f"Your own spend limit is reached{resumes}."
    if at is None:
        return f"Account has no credit ({_code(attempt)}). Retrying will not help; top up at the provider."
    hint = _HINT.match(attempt.message or "")
    ignored = f" (provider's {hint[1]} hint ignored)" if hint is not None else ""
    which = "Daily quota" if at - attempt.ended_at <= _A_DAY else "Quota"
    return f"{which} used; held until {_date(at, '%Y-%m-%d %H:%M UTC')}{ignored}."


def _date(at: float, shape: str = "%Y-%m-%d") -> str:
    return datetime.fromtimestamp(at, UTC).strftime(shape)


def _missing(attempt: Attempt, member: Member, scene: Scene) -> str:
    record = scene.rows.deployments.get(attempt.deployment)
    twice = record is not None and record.breaker == "retired"
    then = "checked twice; will re-check in 24 h" if twice else "will be checked once more"
    return f"Model '{member.model.id}' not found or no access; {then}."


LARGEST = {"anthropic": 32}
"""Megabytes that a provider's protocol takes in one request, where it says so."""
_COUNTED = re.compile(
    r"(?:resulted in|requested(?: about)?|too long:|token count \(|contains|request \(|The input \() ?([0-9]{1,9})\b",
    re.I,
)
"""How providers say how many tokens a prompt that is too long came to."""
_SIZE = re.compile(r"Request is [0-9.]+ MB")


def _too_long(attempt: Attempt, member: Member, scene: Scene) -> str:
    size = _SIZE.match(attempt.message or "")
    if size is not None:
        limit = LARGEST.get(member.provider.api)
        return f"{size[0]}; {f'limit {limit} MB' if limit else 'the provider takes less'}."
    counted = _COUNTED.search(attempt.message or "")
    tokens = max(scene.tokens, int(counted[1]) if counted else 0)
    learned = scene.rows.deployments.get(attempt.deployment)
    window = scene.windows.get(attempt.model)
    known = window is not None and (window < tokens or (learned is not None and learned.window == window))
    return f"Prompt ≈ {tokens:,} tokens; {attempt.model} takes {f'{window:,}' if known else 'less'}."


def _declined(attempt: Attempt, member: Member, scene: Scene) -> str:  # noqa: ARG001
    return f"{attempt.model} declined ({attempt.finish_reason or attempt.code or 'refusal'})."


_TOLD: dict[str, Callable[[Attempt, Member, Scene], str]] = {
    Outcome.AUTH: _refused,
    Outcome.QUOTA_EXHAUSTED: _out_of_quota,
    Outcome.MODEL_NOT_FOUND: _missing,
    Outcome.CONTEXT_TOO_LONG: _too_long,
    Outcome.CONTENT_FILTERED: _declined,
}

_OWN_WORDS = frozenset({Outcome.TIMEOUT, Outcome.NETWORK, Outcome.MALFORMED, Outcome.TRUNCATED})
"""Outcomes whose message is archfb's own and says everything."""

_HAPPENED: dict[str, str] = {
    Outcome.OK: "answered",
    Outcome.RATE_LIMITED: "rate limited",
    Outcome.INVALID_REQUEST: "refused the request",
    Outcome.OVERLOADED: "overloaded",
    Outcome.SERVER_ERROR: "failed at the provider",
    Outcome.TIMEOUT: "timed out",
    Outcome.NETWORK: "could not be reached",
    Outcome.MALFORMED: "gave no usable answer",
    Outcome.TRUNCATED: "stopped at its output limit without text",
    Outcome.CANCELLED: "was interrupted",
}
