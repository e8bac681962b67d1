"""What a routing decision is given and what it gives: frozen records of plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb_state.records import ModelRef, Status
    from archfb_state.settings import Strategy, Tier


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model of a chain, as the configuration and this request see it."""

    ref: ModelRef
    position: int
    tier: Tier = "medium"
    weight: float = 1.0
    excluded: str | None = None
    """Why it cannot serve this request at all (no key, window too small, not asked for), else None."""
    expected_output: int = 1000
    """Tokens that the answer is expected to have."""
    expected_cost: float | None = None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for."""

    phase: str
    complexity: Tier
    strategy: Strategy = "balanced"
    terms: Mapping[str, float] = field(default_factory=dict)
    """How the complexity came about, for the explanation."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate's place in a decision, and why it has it."""

    model: str
    status: Status
    score: float
    eligible: bool
    why: str
    terms: Mapping[str, float] = field(default_factory=dict)
    retry_at: float | None = None
    group: int = 0
    """0 is asked first; a hand-over goes on to the next candidate of the order."""
    lease: str | None = None
    """The lease that must be won before it is tried (a half-open trial), else None."""
    lease_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """Every candidate, the eligible ones first in the order in which they are asked."""

    phase: str
    complexity: Tier
    strategy: Strategy
    ranked: tuple[Ranked, ...]
    terms: Mapping[str, float] = field(default_factory=dict)

    @property
    def order(self) -> tuple[Ranked, ...]:
        """Return the candidates that may be asked, first to last."""
        return tuple(one for one in self.ranked if one.eligible)


Credits = dict[str, float]
"""The smooth weighted round robin's memory, by model, for one phase and complexity."""
