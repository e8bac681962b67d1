"""What one call has tried so far, written down as it happens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archfb import events
from archfb.providers.exchange import Reply
from archfb.routing.attempt import Circumstances, attempt_of, new_id
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from archfb.routing.desk import Desk
    from archfb.routing.roster import Member
    from archfb_state.records import Attempt
    from archfb_state.store import Lease


@dataclass(slots=True)
class Ledger:
    """The attempts of one call, in the order in which they ended."""

    desk: Desk
    phase: str
    role: str
    call_id: str = field(default_factory=new_id)
    attempts: list[Attempt] = field(default_factory=list)
    failed: str | None = None
    """The model that failed last, from which the next one takes over."""
    _replies: list[tuple[Reply, Attempt]] = field(default_factory=list)
    _unsettled: list[Attempt] = field(default_factory=list)
    """Refused requests that are held against nobody until another model accepts the same call."""

    def begin(self, member: Member, number: int) -> float:
        """Say that a model is being asked; return the instant by the store's clock."""
        name = member.model.name
        self.desk.observe(events.AttemptStarted(self.call_id, self.phase, self.role, name, number))
        if self.attempts and number == 1:
            self.desk.store.moved(self.call_id, name)
        return self.desk.store.now()

    async def end(
        self, member: Member, reply: Reply, started: float, *, repeat: bool, lease: Lease | None = None
    ) -> Attempt:
        """Record how an attempt ended, together with what its end decides about earlier ones."""
        attempt = self._attempt(member, reply, started, repeat=repeat)
        self.attempts.append(attempt)
        self._replies.append((reply, attempt))
        self.desk.observe(events.AttemptEnded(self.call_id, self.phase, self.role, attempt))
        if attempt.outcome is Outcome.INVALID_REQUEST:
            self._unsettled.append(attempt)
        elif reply.ok:
            await self.accept(attempt, lease, blame=not member.offline)
        else:
            await self.desk.record_soon([attempt], lease=lease)
        return attempt

    def interrupt(self, member: Member, started: float, *, repeat: bool) -> None:
        """Record an attempt that was cancelled; it is held against nobody."""
        passed = max(0.0, self.desk.store.now() - started)
        attempt = self._attempt(member, Reply(Outcome.CANCELLED, latency_ms=passed * 1000), started, repeat=repeat)
        self.attempts.append(attempt)
        self.desk.record([attempt], ended=self.call_id)

    def _attempt(self, member: Member, reply: Reply, started: float, *, repeat: bool) -> Attempt:
        around = Circumstances(
            self.call_id,
            self.phase,
            "call",
            started,
            self.desk.store.now(),
            self.desk.run_id,
            None if repeat else self.failed,
            repeat=repeat,
        )
        return attempt_of(member, self.desk.price(member), reply, around)

    async def accept(self, last: Attempt, lease: Lease | None, *, blame: bool) -> None:
        """Write down the answer and the end of the call, and what waited for it.

        A deployment that accepts what it first refused a parameter of is not blamed for that.
        """
        attempts = [*self._settled(last.deployment, blame=blame), last]
        await self.desk.record_soon(attempts, ended=self.call_id, lease=lease)

    def flush(self, *, blame: bool) -> None:
        """Write down what waited for a verdict."""
        waiting = self._settled(None, blame=blame)
        if waiting:
            self.desk.record(waiting)

    def _settled(self, accepting: str | None, *, blame: bool) -> list[Attempt]:
        waiting = [replace(one, blame=blame and one.deployment != accepting) for one in self._unsettled]
        self._unsettled.clear()
        return waiting

    def of(self, reply: Reply) -> Attempt:
        """Return the attempt that a reply came from."""
        return next(attempt for said, attempt in self._replies if said is reply)

    def asked(self, model: str) -> int:
        """Return how often a model was asked in this call."""
        return sum(one.model == model for one in self.attempts)

    def last(self, model: str) -> Outcome | None:
        """Return how a model was last heard of in this call."""
        return next((one.outcome for one in reversed(self.attempts) if one.model == model), None)

    def cost(self) -> float | None:
        """Return what all attempts cost together; None where an answer's price is unknown."""
        paid = {Outcome.OK, Outcome.TRUNCATED}
        if any(one.cost_usd is None and one.outcome in paid for one in self.attempts):
            return None
        return sum(one.cost_usd or 0.0 for one in self.attempts)
