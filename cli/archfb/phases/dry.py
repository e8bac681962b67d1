"""The dry run: what would be sent where and at what cost. Nothing is asked; the offline analysis stands in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archfb.phases.calls import Called
from archfb.phases.options import PlannedCall
from archfb.phases.records import Made
from archfb.phases.spending import cost_of
from archfb.repository.tokens import estimate

if TYPE_CHECKING:
    from archfb.phases.caller import ModelCaller
    from archfb.phases.calls import CallSpec

FROM_EARLIER = ("phase2", "phase3", "phase4", "phase5", "final")


@dataclass(slots=True)
class DryCaller:
    """Answers each call from the store or offline, and writes down what it would have been."""

    real: ModelCaller
    planned: list[PlannedCall] = field(default_factory=list)
    _guessed: bool = False
    """Some earlier answer was only stood in for, so what builds on it is an estimate."""

    async def call(self, spec: CallSpec) -> Called:
        """Note the call and return a stand-in."""
        stored = self.real.stored(spec)
        self.planned.append(self._plan(spec, is_stored=stored is not None))
        if stored is not None:
            return stored
        self._guessed = True
        return Called(spec.offline(), Made(spec.key, "offline", spec.prompt.version, spec.inputs, True, "asked"))

    def usable(self, phase: str) -> bool:
        """Return whether a model could be asked now."""
        return self.real.usable(phase)

    def stored(self, spec: CallSpec) -> Called | None:
        """Return the stored answer, if any."""
        return self.real.stored(spec)

    def _plan(self, spec: CallSpec, *, is_stored: bool) -> PlannedCall:
        question = spec.build(None)
        tokens = estimate(question.prompt) + estimate(question.system or "")
        guessed = self._guessed and spec.phase in FROM_EARLIER
        candidates = () if is_stored else self._candidates(spec, question.chars)
        first = next(iter(candidates), None)
        cost = 0.0 if is_stored or first is None else cost_of(self.real.router.config, first, question.chars)
        return PlannedCall(spec.phase, spec.role, len(spec.files), tokens, candidates, cost, is_stored, guessed)

    def _candidates(self, spec: CallSpec, chars: int) -> tuple[str, ...]:
        options = self.real.options
        if options.offline:
            return ("offline",)
        decision = self.real.router.route(
            spec.phase,
            context_chars=chars,
            model=options.model,
            files=len(spec.files),
            languages=self.real.languages,
        )
        return tuple(one.model for one in decision.order if one.model == "offline" or self.real.may_see(one.model))
