"""What of its material a model was not given whole: told beside its answer, and stored with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archfb.repository.tokens import estimate
from archfb.text import clean

if TYPE_CHECKING:
    from archfb.phases.calls import CallSpec

_STORED = re.compile(r"<!-- archfb: not given whole: (?P<reading>[^\n]*) -->\n")


def reading(spec: CallSpec, left: int | None, model: str) -> str:
    """Return what a model was not given, whose window left so many input tokens (None: unknown); "" where nothing."""
    asked, whole = spec.build(left), spec.build(None)
    if asked.prompt == whole.prompt:
        return asked.lacks
    sizes = f"{estimate(asked.prompt):,} of {estimate(whole.prompt):,} tokens"
    return f"{clean(model, one_line=True)}'s window took a smaller question, about {sizes}. {asked.lacks}".strip()


def with_reading(text: str, told: str) -> str:
    """Return an answer as it is stored: behind a line that says what its model was not given, if there was such."""
    return f"<!-- archfb: not given whole: {told.replace('-->', '->')} -->\n{text}" if told else text


def without_reading(stored: str) -> tuple[str, str]:
    """Return a stored answer's text, and what its model was not given."""
    found = _STORED.match(stored)
    return (stored[found.end() :], found["reading"]) if found else (stored, "")
