"""The provider that needs no key and no network: it says what it is, and answers what the caller prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.providers.exchange import Reply
from archfb.text import clean
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from archfb.providers.exchange import Question

SHOWN = 200
"""Characters of the prompt that are repeated, so that one sees what was asked."""


def answer(question: Question) -> Reply:
    """Return the prepared answer, or an honest one: the same question always gets the same answer."""
    text = question.offline() if question.offline is not None else _honest(question)
    return Reply(Outcome.OK, text=text, finish_reason="stop", model_reported="offline")


def _honest(question: Question) -> str:
    asked = clean(question.prompt, limit=SHOWN, one_line=True)
    lines = question.prompt.count("\n") + 1
    return (
        "This is the offline provider: no model was asked, and nothing was sent anywhere. "
        f"The prompt has {len(question.prompt)} characters in {lines} {'line' if lines == 1 else 'lines'}"
        + (f" and begins: {asked}" if asked else ".")
    )
