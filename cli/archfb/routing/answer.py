"""What a call gives back: the fields of `ask --json` as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.providers.exchange import Usage
    from archfb_state.decisions import Decision, Ranked
    from archfb_state.records import Attempt


@dataclass(frozen=True, slots=True)
class CallError:
    """Why a call failed: a code for programs, a sentence, and when trying again may help."""

    code: str
    message: str
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of one call, good or bad. `offline` says that no model made the text."""

    ok: bool
    text: str
    model: str | None
    complexity: str
    finish_reason: str | None
    usage: Usage
    cost_usd: float | None
    attempts: tuple[Attempt, ...]
    decision: tuple[Ranked, ...]
    error: CallError | None = None
    offline: bool = False
    truncated: bool = False
    """The text ends where an output limit cut it."""
    continued: bool = False
    """The text was cut once, and is two answers of the model joined."""
    call_id: str = ""
    plan: Decision | None = field(default=None, repr=False)
    since: Mapping[str, float] = field(default_factory=dict, repr=False)
    """Where no model answered: since when each is as it is, in Unix seconds."""
