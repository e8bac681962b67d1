"""A call that failed: who was asked and how it ended, who was not asked and why, when to try again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from archfb.output import console
from archfb.views.fitting import PLAIN_BELOW, Column, table
from archfb.views.phrases import NOTHING, age, duration, name, until
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from rich.console import RenderableType

    from archfb.routing.answer import Answer
    from archfb_state.records import Attempt


class Failure(NamedTuple):
    """One model that gave no answer. `since` and `retry_at` are Unix seconds."""

    model: str
    outcome: str
    took: str
    message: str
    retry_at: float | None
    since: float | None = None
    advice: str = NOTHING


_KEY = "check the key"
_CREDIT = "top up at the provider"
_NAME = "see archfb doctor"
_WAIT = "wait"
_ADVICE = (
    ("no key (", "set the variable"),
    ("key rejected", _KEY),
    ("access refused", "ask the provider for access"),
    ("region not served", "ask the provider for access"),
    ("no credit", _CREDIT),
    ("quota used up", "wait"),
    ("rate limited", _WAIT),
    ("drained by", "archfb undrain"),
    ("retired", _NAME),
    ("open", _WAIT),
)
"""What to do about why a model is left out, by how that begins."""
_AFTER = {
    Outcome.AUTH: _KEY,
    Outcome.QUOTA_EXHAUSTED: _CREDIT,
    Outcome.MODEL_NOT_FOUND: _NAME,
    Outcome.CONTEXT_TOO_LONG: "send less",
}


def failures(answer: Answer) -> list[Failure]:
    """Return who failed, in the order of asking, and then who was not asked."""
    retry = {one.model: one.retry_at for one in answer.decision}
    asked = list(dict.fromkeys(one.model for one in answer.attempts))
    tried = [_tried([one for one in answer.attempts if one.model == model], retry.get(model)) for model in asked]
    skipped = [
        Failure(one.model, "not asked", NOTHING, one.why, one.retry_at, answer.since.get(one.model), _advice(one.why))
        for one in answer.decision
        if not one.eligible and one.model not in asked
    ]
    return tried + skipped


def _advice(why: str) -> str:
    return next((told for begins, told in _ADVICE if why.startswith(begins)), NOTHING)


def _tried(attempts: list[Attempt], retry_at: float | None) -> Failure:
    last = attempts[-1]
    times = f", {len(attempts)} times" if len(attempts) > 1 else ""
    status = f"{last.http_status}: " if last.http_status is not None else ""
    if last.retry_after_s is not None:
        retry_at = last.ended_at + last.retry_after_s
    took = duration(sum(one.latency_ms for one in attempts) / 1000)
    return Failure(
        last.model,
        f"{last.outcome}{times}",
        took,
        f"{status}{last.message or ''}".strip(),
        last.reset_at or retry_at,
        advice=_AFTER.get(last.outcome, NOTHING),
    )


def failure_view(answer: Answer, width: int, now: float) -> RenderableType | None:
    """Return the table of failures; None where nobody could fail."""
    from rich.text import Text

    rows = failures(answer)
    if not rows:
        return None
    if width < PLAIN_BELOW:
        lines = (f"{name(one.model)}: {one.outcome}, {name(one.message)}" for one in rows)
        return Text("\n".join(lines))
    return table(columns(now), rows, width)


def columns(now: float) -> list[Column[Failure]]:
    """Return the columns, as of an instant."""
    return [
        Column("Model", lambda one: name(one.model), flexible=40),
        Column("How", lambda one: one.outcome),
        Column("Took", lambda one: one.took, rank=4, right=True),
        Column("What it said", lambda one: name(one.message) or NOTHING, flexible=36),
        Column("Since", lambda one: age(one.since, now), rank=2, right=True),
        Column("What to do", lambda one: one.advice, rank=3, flexible=24),
        Column("Try again", lambda one: until(one.retry_at, now), rank=1, right=True),
    ]


def print_failures(answer: Answer) -> None:
    """Print the table to stderr."""
    target = console(sys.stderr)
    view = failure_view(answer, target.width, time.time())
    if view is not None:
        target.print(view)
