"""What a run is asked for, what it needs of a router, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from archfb.config.model import Config
    from archfb.phases.results import PhaseRecord
    from archfb.providers.exchange import Question
    from archfb.repository.records import ReadLimits, Repository
    from archfb.routing.answer import Answer, CallError
    from archfb_state.decisions import Decision
    from archfb_state.records import Attempt
    from archfb_state.settings import Strategy


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run. Costs in USD, `deadline` seconds for one call; `out` is a folder, `only` an agent's id or name."""

    offline: bool = False
    model: str | None = None
    strategy: Strategy | None = None
    fresh: bool = False
    strict: bool = False
    dry_run: bool = False
    max_cost: float | None = None
    deadline: float | None = None
    only: str | None = None
    out: Path | None = None
    only_providers: frozenset[str] = frozenset()
    not_providers: frozenset[str] = frozenset()
    allow: tuple[str, ...] = ()
    cache_dir: Path | None = None
    limits: ReadLimits | None = None
    read: Callable[[Path], Repository] | None = None
    """How the repository is read; the tests' and other programs' seam."""


class RouterLike(Protocol):
    """What the phases need of a router."""

    @property
    def config(self) -> Config:
        """Return the effective configuration."""

    @property
    def run_id(self) -> str | None:
        """Return the run that attempts belong to."""

    async def ask(
        self,
        phase: str,
        prompt: str | Question = "",
        *,
        model: str | None = None,
        role: str = "ask",
        build: Callable[[int | None], Question] | None = None,
        strategy: Strategy | None = None,
        deadline: float | None = None,
        files: int = 0,
        languages: int = 0,
        only_providers: Iterable[str] = (),
        not_providers: Iterable[str] = (),
        offline_only: bool = False,
        continues: bool = True,
    ) -> Answer:
        """Return the end of one call; raises CancelledError alone."""

    def route(
        self, phase: str, *, context_chars: int = 0, model: str | None = None, files: int = 0, languages: int = 0
    ) -> Decision:
        """Explain who would be asked now."""

    def look_ahead(self, phases: Iterable[str]) -> None:
        """Start the free probes that are due for some phases' chains, and do not wait for them."""


@dataclass(frozen=True, slots=True)
class PhaseOutcome:
    """How one phase ended. `status` is done, partial, failed or stored; `cost_usd` what it cost in this run."""

    phase: str
    status: str
    result: PhaseRecord
    cost_usd: float | None = 0.0
    attempts: tuple[Attempt, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Return who made it, each once."""
        return tuple(dict.fromkeys(one.model for one in self.result.made))


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """What --dry-run tells of one call. `cost_usd` is what the first candidate is expected to cost; None: unknown."""

    phase: str
    role: str
    files: int
    tokens: int
    candidates: tuple[str, ...]
    cost_usd: float | None
    stored: bool = False
    estimated: bool = False
    """Its inputs do not exist yet; the offline analysis stood in for them."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """The end of a run: `ok` as the exit code has it (0 or 1), every phase that took part, and what it cost."""

    ok: bool
    run_id: str
    repo: str
    phases: tuple[PhaseOutcome, ...] = ()
    cost_usd: float | None = 0.0
    attempts: tuple[Attempt, ...] = ()
    error: CallError | None = None
    notes: tuple[str, ...] = ()
    planned: tuple[PlannedCall, ...] = field(default=())
    dry_run: bool = False

    @property
    def last(self) -> PhaseOutcome | None:
        """Return the phase that was asked for, if it was reached."""
        return self.phases[-1] if self.phases else None

    @property
    def partial(self) -> bool:
        """Return whether some part of some phase is missing."""
        return any(one.status in {"partial", "failed"} for one in self.phases)

    @property
    def fell_back(self) -> bool:
        """Return whether the offline provider stood in for models that have keys."""
        return any(made.fell_back for one in self.phases for made in one.result.made)
