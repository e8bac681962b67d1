"""A judgement on one exchange: cheap to import, since every call makes one and few need a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archfb_state.outcomes import Outcome, Scope


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it ended, by its right name, with what goes into a Reply beside the answer."""

    outcome: Outcome
    message: str = ""
    code: str | None = None
    retry_after_s: float | None = None
    reset_at: float | None = None
    scope: Scope | None = None
    window: int | None = None
    parameter: str | None = None
    substitute: str | None = None
    request_id: str | None = None
    """The provider's own, where an error's body names it; a header's counts before it."""
    note: str | None = None
