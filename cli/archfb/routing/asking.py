"""Asking one model within a call: once, again where the failure is worth it, and what its replies teach."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from archfb import events
from archfb.providers.exchange import Target
from archfb.routing import budget, pace, plan
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from archfb.providers.exchange import Question, Reply
    from archfb.routing.desk import Desk
    from archfb.routing.ledger import Ledger
    from archfb.routing.plan import Request
    from archfb.routing.roster import Member
    from archfb_state.records import Attempt, ModelRecord, Snapshot
    from archfb_state.store import Lease


@dataclass(slots=True)
class Asking:
    """One model's turn in a call. `others` candidates still stand behind it; it may be asked `allowed` times."""

    desk: Desk
    request: Request
    build: Callable[[int | None], Question]
    ledger: Ledger
    rows: Snapshot
    deadline: float
    member: Member
    others: int = 0
    allowed: int = 1
    lease: Lease | None = None
    most: float = inf
    """Seconds that an attempt may take, where that is less than its provider allows."""
    mine: list[Attempt] = field(default_factory=list)
    learned: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Return the seconds left of the call's deadline."""
        return self.deadline - self.desk.clock()

    async def ask(self) -> Reply | None:
        """Return the model's last reply, None where the cost limits leave no room for it."""
        question = self._question()
        reservation = self._reserve(question)
        if reservation is None:
            return None
        self.desk.repeats.earn(self.member.ref.host)
        try:
            reply = await self._attempt(question)
            if not reply.ok:
                reply = await self._repeated(question, reply)
        finally:
            if reservation:
                budget.settle(self.desk, reservation, sum(one.cost_usd or 0.0 for one in self.mine))
        self._learn_from(reply)
        return reply

    async def _repeated(self, question: Question, first: Reply) -> Reply:
        """Return how the attempts ended of which the first one has failed."""
        from tenacity import AsyncRetrying, retry_if_result

        made = [first]

        async def attempt() -> Reply:
            return made.pop() if made else await self._attempt(question)

        retrying = AsyncRetrying(
            sleep=self.desk.sleep,
            wait=self._wait,
            retry=retry_if_result(self._again),
            stop=lambda _: self.left <= 0,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        reply: Reply = await retrying(attempt)
        return reply

    def _question(self) -> Question:
        if not self.request.shrinks:
            return self.build(None)
        return self.build(plan.input_budget(self.member, self.desk.price(self.member), self.rows, self.request))

    def _reserve(self, question: Question) -> str | None:
        if self.member.offline or not budget.limited(self.desk):
            return ""
        output = question.max_output_tokens or self.member.model.max_output_tokens or plan.OUTPUT_RESERVE
        tokens = int(question.chars / plan.CHARS_PER_TOKEN)
        usd = plan.expected_cost(self.desk.price(self.member), tokens, output)
        return budget.reserve(self.desk, usd or 0.0, max(1.0, self.left))

    def _wait(self, _: RetryCallState) -> float:
        if self.mine[-1].outcome is Outcome.INVALID_REQUEST:
            return 0.0
        return pace.repeat_wait(self.others, self.desk.rng)

    def _again(self, reply: Reply) -> bool:
        if self._adapts(reply):
            return True
        if len(self.mine) >= self.allowed or not pace.worth_repeating(reply):
            return False
        return self.desk.repeats.take(self.member.ref.host)

    def _adapts(self, reply: Reply) -> bool:
        """Remember the one parameter that was refused; False where there is none, or it was known already."""
        refused, name = reply.parameter, self.member.model.name
        if reply.outcome is not Outcome.INVALID_REQUEST or refused is None or refused in self.learned:
            return False
        self.learned[refused] = reply.substitute or ""
        self.desk.store.learn(name, parameter={refused: self.learned[refused]})
        how = f"with {reply.substitute} for it" if reply.substitute else "without it"
        self.desk.observe(
            events.Note(f"{name} refused {refused.removesuffix('_name')}: asked again {how}, and remembered", 1)
        )
        return True

    async def _attempt(self, question: Question) -> Reply:
        """Make one HTTP request and record it, also when it is interrupted."""
        repeat = bool(self.mine)
        started = self.ledger.begin(self.member, len(self.mine) + 1)
        thinks = self.member.model.reasoning not in {None, "disabled"}
        limits = pace.attempt_limits(self.member.provider, self.left, self.others, reasoning=thinks, most=self.most)
        try:
            reply = await self.desk.transport.ask(self._target(), question, limits)
        except CancelledError:
            self.ledger.interrupt(self.member, started, repeat=repeat)
            raise
        if reply.note is not None:
            self.desk.observe(events.Note(f"{self.member.model.name}: {reply.note}", 1))
        self.mine.append(await self.ledger.end(self.member, reply, started, repeat=repeat, lease=self.lease))
        return reply

    def _record(self) -> ModelRecord | None:
        return self.rows.models.get(self.member.model.name)

    def _target(self) -> Target:
        record = self._record()
        known = {**(record.learned if record else {}), **self.learned}
        return Target(self.member.model, self.member.provider, self.member.key, known)

    def _learn_from(self, reply: Reply) -> None:
        """Remember what the next candidate and the next call should know."""
        name, store = self.member.model.name, self.desk.store
        if reply.outcome is Outcome.CONTEXT_TOO_LONG:
            store.learn(name, window=(self.member.ref.deployment, reply.window or self.request.tokens))
        if 0 in {reply.remaining_requests, reply.remaining_tokens} and reply.remaining_reset_at is not None:
            store.limits(
                self.member.ref.account,
                requests=reply.remaining_requests,
                tokens=reply.remaining_tokens,
                reset_at=reply.remaining_reset_at,
            )
        self._correct_estimate(reply)

    def _correct_estimate(self, reply: Reply) -> None:
        counted, guessed = reply.usage.input_tokens, self.request.tokens
        if not reply.ok or self.member.offline or counted is None or self.request.shrinks or guessed < 200:
            return
        record = self._record()
        known = record.token_ratio if record else 1.0
        ratio = min(4.0, max(0.25, counted / guessed))
        if abs(ratio - known) > 0.1 * known:
            self.desk.store.learn(self.member.model.name, token_ratio=0.7 * known + 0.3 * ratio)
