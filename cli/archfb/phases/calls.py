"""What a call of a phase is, what it gives, and what answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from archfb.phases import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.phases.prompting import Prompt
    from archfb.phases.records import CallFailed, Made
    from archfb.providers.exchange import Question


@dataclass(frozen=True, slots=True)
class CallSpec:
    """One call: what it is, what it is made from, how it is put, and what is answered without a model.

    `build` makes the question for the input tokens that a window leaves (None: the phase's own budget).
    `inputs` are what a model is told; `beyond` is what the offline provider, which sees the whole repository, goes by
    besides.
    `problem` returns why an answer cannot be read, or None; where it is given, such an answer is asked for once more.
    """

    phase: str
    role: str
    title: str
    prompt: Prompt
    inputs: keys.Inputs
    build: Callable[[int | None], Question]
    offline: Callable[[], str]
    files: tuple[str, ...] = ()
    problem: Callable[[str], str | None] | None = None
    beyond: keys.Inputs = ()

    @property
    def key(self) -> str:
        """Return the key under which its result is stored."""
        return keys.key(self.phase, self.role, self.inputs, self.prompt.version)

    @property
    def offline_key(self) -> str:
        """Return the key under which the offline provider's result is stored."""
        return keys.key(self.phase, self.role, (*self.beyond, *self.inputs), self.prompt.version)


@dataclass(frozen=True, slots=True)
class Called:
    """An answered call."""

    text: str
    made: Made


class Caller(Protocol):
    """Whoever answers the calls of the phases: the real one, or the dry run's."""

    async def call(self, spec: CallSpec) -> Called | CallFailed:
        """Return the answer, or why there is none."""

    def usable(self, phase: str) -> bool:
        """Return whether a model could be asked now."""

    def stored(self, spec: CallSpec) -> Called | None:
        """Return the stored answer that counts as a hit, if any."""
