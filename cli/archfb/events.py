"""What happens while a call or a run is on: frozen records handed to observers (views, logs)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from archfb_state.decisions import Decision
    from archfb_state.records import Attempt, Transition
    from archfb_state.store import Run


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase begins, with this many calls to make."""

    phase: str
    calls: int


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """A phase ended: done, partial, failed or stored."""

    phase: str
    status: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call was routed. `role` is what the phase asks it as ("structure", "plan", "agent_1" …)."""

    call_id: str
    phase: str
    role: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A model is being asked."""

    call_id: str
    phase: str
    role: str
    model: str
    number: int


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """A model answered or failed; `next_model` is who is asked now, if anybody."""

    call_id: str
    phase: str
    role: str
    attempt: Attempt
    next_model: str | None = None


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call ended; `model` is None where it failed."""

    call_id: str
    phase: str
    role: str
    model: str | None
    cost_usd: float | None
    stored: bool = False


@dataclass(frozen=True, slots=True)
class ProbeEnded:
    """A probe ended, well or not."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A run began (`ok` is None), ended or was stopped."""

    run: Run


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A model's status changed."""

    transition: Transition


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should know; `level` 0 is always shown, 1 at -v, 2 at -vv."""

    text: str
    level: int = 0


Event = (
    PhaseStarted
    | PhaseEnded
    | CallStarted
    | AttemptStarted
    | AttemptEnded
    | CallEnded
    | ProbeEnded
    | RunChanged
    | StatusChanged
    | Note
)


class Observer(Protocol):
    """Anything that wants to be told."""

    def __call__(self, event: Event) -> None:
        """Take note of one event; must not raise and must not block."""
