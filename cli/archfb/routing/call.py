"""One call through its chain: asked, repeated where that is worth it, handed on, recorded, answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archfb import events
from archfb.providers.exchange import Target, Usage
from archfb.routing import budget, pace, plan
from archfb.routing.answer import Answer, CallError
from archfb.routing.attempt import Circumstances, attempt_of, new_id
from archfb.routing.failure import reasons
from archfb_state.outcomes import Outcome
from archfb_state.standing import standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from archfb.providers.exchange import Question, Reply
    from archfb.routing.desk import Desk
    from archfb.routing.plan import Request
    from archfb.routing.roster import Member
    from archfb_state.decisions import Decision, Ranked
    from archfb_state.records import Attempt, ModelRecord, Snapshot

TRIAL_ATTEMPTS = 1
"""A half-open trial is one request, never repeated."""


@dataclass(slots=True)
class Call:
    """The life of one call. `build` makes the question for the input tokens that a window leaves (None: unknown)."""

    desk: Desk
    request: Request
    build: Callable[[int | None], Question]
    deadline: float
    """Monotonic seconds at which the call must have ended."""
    role: str = "ask"
    id: str = field(default_factory=new_id)
    attempts: list[Attempt] = field(default_factory=list)
    rows: Snapshot | None = None
    """What was last read of the memory: at the decision, then at each hand-over."""
    _unsettled: list[Attempt] = field(default_factory=list)
    """Refused requests that are held against nobody until another model accepts the same call."""
    _learned: dict[str, dict[str, str]] = field(default_factory=dict)
    _failed: str | None = None
    _refused_window: int | None = None
    _too_dear: list[str] = field(default_factory=list)

    async def run(self) -> Answer:
        """Return the answer, good or bad; raises CancelledError alone, with everything recorded."""
        decision, self.rows = self.desk.decide(self.request, self.id, expires_s=max(1.0, self._left()))
        self.desk.observe(events.CallStarted(self.id, self.request.phase, self.role, decision))
        try:
            answer = await self._through(decision)
        except BaseException:
            self._flush(accepted=False)
            raise
        self.desk.observe(events.CallEnded(self.id, self.request.phase, self.role, answer.model, answer.cost_usd))
        return answer

    def _left(self) -> float:
        return self.deadline - self.desk.clock()

    async def _through(self, decision: Decision) -> Answer:
        models = [one for one in decision.order if not self._member(one).offline]
        offline = [one for one in decision.order if self._member(one).offline]
        reply = await self._each(models)
        if reply is None or not (reply.ok or self._stops(reply)):
            reply = await self._wait_for_a_hold(decision) or reply
        if offline and not (reply is not None and (reply.ok or self._stops(reply))):
            reply = await self._each(offline)
        accepted = reply is not None and reply.ok
        self._flush(accepted=accepted)
        return self._answered(decision, reply) if accepted and reply is not None else self._gave_up(decision)

    async def _each(self, order: list[Ranked]) -> Reply | None:
        reply = None
        for at, ranked in enumerate(order):
            if not self._may_ask(ranked):
                continue
            reply = await self._with_lease(ranked, len(order) - at - 1) or reply
            if reply is not None and (reply.ok or self._stops(reply)):
                return reply
        return reply

    def _member(self, ranked: Ranked) -> Member:
        return self.desk.members[ranked.model]

    def _record(self, member: Member) -> ModelRecord | None:
        return self.rows.models.get(member.model.name) if self.rows else None

    def _stops(self, reply: Reply) -> bool:
        refused = reply.outcome is Outcome.CONTENT_FILTERED
        return refused and self.desk.config.routing.on_refusal == "stop"

    def _may_ask(self, ranked: Ranked) -> bool:
        """Whether time is left, and nothing learned in this call or elsewhere meanwhile speaks against it."""
        member = self._member(ranked)
        if member.offline or not self.attempts:
            return member.offline or self._left() > 0
        if self._left() <= 0:
            return False
        rows = self.rows = self.desk.store.snapshot()
        if self._refused_window is not None:
            size = plan.window(member, self.desk.price(member), rows)
            if size is not None and size <= self._refused_window:
                return False
        now = standing(member.ref, rows, self.desk.settings, rows.at)
        return ranked.lease is not None or now.status != "unavailable"

    async def _with_lease(self, ranked: Ranked, others: int) -> Reply | None:
        if ranked.lease is None:
            return await self._ask(self._member(ranked), others, self.desk.config.routing.attempts_per_model)
        lease = self.desk.store.acquire(ranked.lease, ranked.lease_s)
        if lease is None:
            return None
        try:
            return await self._ask(self._member(ranked), others, TRIAL_ATTEMPTS)
        finally:
            if not ranked.lease.startswith("critical:"):
                self.desk.store.release(lease)

    async def _ask(self, member: Member, others: int, allowed: int) -> Reply | None:
        """Ask one model, and again up to `allowed` times where the failure is worth it."""
        from tenacity import AsyncRetrying, retry_if_result

        question = self._question(member)
        reservation = self._reserve(member, question)
        if reservation is None:
            self._too_dear.append(member.model.name)
            return None
        before = len(self.attempts)
        self.desk.repeats.earn(member.ref.host)

        def again(state: RetryCallState) -> float:  # noqa: ARG001 - the policy's signature
            return 0.0 if self._adapts(member) else pace.repeat_wait(others, self.desk.rng)

        retrying = AsyncRetrying(
            sleep=self.desk.sleep,
            wait=again,
            retry=retry_if_result(lambda reply: self._repeats(member, reply, len(self.attempts) - before < allowed)),
            stop=lambda _: self._left() <= 0,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        try:
            reply: Reply = await retrying(self._attempt, member, question, others, before)
        finally:
            self._settle(reservation, before)
        self._after(member, reply)
        return reply

    def _question(self, member: Member) -> Question:
        if not self.request.shrinks or self.rows is None:
            return self.build(None)
        return self.build(plan.input_budget(member, self.desk.price(member), self.rows, self.request))

    def _repeats(self, member: Member, reply: Reply, more: bool) -> bool:
        if self._learns(member, reply):
            return True
        return more and pace.worth_repeating(reply) and self.desk.repeats.take(member.ref.host)

    def _learns(self, member: Member, reply: Reply) -> bool:
        """Remember the one parameter that was refused; False where there is none, or it was known already."""
        if reply.outcome is not Outcome.INVALID_REQUEST or reply.parameter is None:
            return False
        known = self._learned.setdefault(member.model.name, {})
        if reply.parameter in known:
            return False
        known[reply.parameter] = reply.substitute or ""
        self.desk.store.learn(member.model.name, parameter={reply.parameter: reply.substitute or ""})
        note = f"{member.model.name} refused {reply.parameter}: asked again without, and remembered"
        self.desk.observe(events.Note(note, 1))
        return True

    def _adapts(self, member: Member) -> bool:
        last = self.attempts[-1] if self.attempts else None
        return last is not None and last.outcome is Outcome.INVALID_REQUEST and member.model.name in self._learned

    async def _attempt(self, member: Member, question: Question, others: int, before: int) -> Reply:
        """Make one HTTP request and record it, also when it is interrupted."""
        from asyncio import CancelledError

        number = len(self.attempts) - before + 1
        phase, name = self.request.phase, member.model.name
        self.desk.observe(events.AttemptStarted(self.id, phase, self.role, name, number))
        if self.attempts and number == 1:
            self.desk.store.moved(self.id, name)
        started = self.desk.store.now()
        limits = pace.attempt_limits(
            member.provider, self._left(), others, reasoning=member.model.reasoning not in {None, "disabled"}
        )
        try:
            reply = await self.desk.transport.ask(self._target(member), question, limits)
        except CancelledError:
            self._interrupted(member, started, repeat=number > 1)
            raise
        around = Circumstances(
            self.id,
            phase,
            "call",
            started,
            self.desk.store.now(),
            self.desk.run_id,
            self._failed if number == 1 else None,
            repeat=number > 1,
        )
        self._note(member, reply, attempt_of(member, self.desk.price(member), reply, around))
        return reply

    def _target(self, member: Member) -> Target:
        record = self._record(member)
        learned = {**(record.learned if record else {}), **self._learned.get(member.model.name, {})}
        return Target(member.model, member.provider, member.key, learned)

    def _note(self, member: Member, reply: Reply, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.desk.observe(events.AttemptEnded(self.id, self.request.phase, self.role, attempt))
        if attempt.outcome is Outcome.INVALID_REQUEST:
            self._unsettled.append(attempt)
        elif reply.ok:
            self._flush(accepted=not member.offline, last=attempt)
        else:
            self.desk.record([attempt])

    def _interrupted(self, member: Member, started: float, *, repeat: bool) -> None:
        from archfb.providers.exchange import Reply

        now = self.desk.store.now()
        reply = Reply(Outcome.CANCELLED, latency_ms=max(0.0, now - started) * 1000)
        around = Circumstances(
            self.id, self.request.phase, "call", started, now, self.desk.run_id, self._failed, repeat=repeat
        )
        attempt = attempt_of(member, self.desk.price(member), reply, around)
        self.attempts.append(attempt)
        self.desk.record([attempt], ended=self.id)

    def _flush(self, *, accepted: bool, last: Attempt | None = None) -> None:
        """Write down what waited for a verdict, and with `last` the end of the call."""
        waiting = [replace(one, blame=accepted) for one in self._unsettled]
        self._unsettled.clear()
        if waiting or last is not None:
            self.desk.record([*waiting, *([last] if last else [])], ended=self.id if last else None)

    def _after(self, member: Member, reply: Reply) -> None:
        """Learn from a reply what the next candidate and the next call should know."""
        name = member.model.name
        if reply.outcome is Outcome.CONTEXT_TOO_LONG:
            self._learn_window(member, reply)
        if not reply.ok:
            self._failed = name
        if 0 in {reply.remaining_requests, reply.remaining_tokens} and reply.remaining_reset_at is not None:
            self.desk.store.limits(
                member.ref.account,
                requests=reply.remaining_requests,
                tokens=reply.remaining_tokens,
                reset_at=reply.remaining_reset_at,
            )
        self._correct_estimate(member, reply)

    def _learn_window(self, member: Member, reply: Reply) -> None:
        size = reply.window or self.request.tokens
        self._refused_window = max(size, self._refused_window or 0)
        self.desk.store.learn(member.model.name, window=(member.ref.deployment, size))

    def _correct_estimate(self, member: Member, reply: Reply) -> None:
        counted = reply.usage.input_tokens
        if not reply.ok or member.offline or counted is None or self.request.shrinks or self.request.tokens < 200:
            return
        ratio = min(4.0, max(0.25, counted / self.request.tokens))
        record = self._record(member)
        known = record.token_ratio if record else 1.0
        if abs(ratio - known) > 0.1 * known:
            self.desk.store.learn(member.model.name, token_ratio=0.7 * known + 0.3 * ratio)

    async def _wait_for_a_hold(self, decision: Decision) -> Reply | None:
        """When nothing else is left, wait out a short rate limit and ask that model once more."""
        rows = self.desk.store.snapshot()
        waits = {ranked.model: wait for ranked in decision.ranked if (wait := self._hold(ranked, rows)) is not None}
        name = min(waits, key=waits.__getitem__, default=None)
        if name is None or not pace.short_enough(waits[name], self._left()):
            return None
        await self.desk.sleep(waits[name] + 0.01)
        return await self._ask(self.desk.members[name], 0, 1)

    def _hold(self, ranked: Ranked, rows: Snapshot) -> float | None:
        """Return the seconds that a rate limited candidate which may be asked again is still held, else None."""
        member = self._member(ranked)
        asked = sum(one.model == ranked.model for one in self.attempts)
        if member.offline or member.missing or asked >= self.desk.config.routing.attempts_per_model:
            return None
        now = standing(member.ref, rows, self.desk.settings, rows.at)
        limited = now.held and now.reason.startswith("rate limited") and now.retry_at is not None
        return max(0.0, (now.retry_at or 0.0) - rows.at) if limited else None

    def _reserve(self, member: Member, question: Question) -> str | None:
        if member.offline:
            return ""
        output = question.max_output_tokens or member.model.max_output_tokens or plan.OUTPUT_RESERVE
        tokens = int(question.chars / plan.CHARS_PER_TOKEN)
        usd = plan.expected_cost(self.desk.price(member), tokens, output)
        return budget.reserve(self.desk, usd or 0.0, max(1.0, self._left()))

    def _settle(self, reservation: str, before: int) -> None:
        if reservation:
            budget.settle(self.desk, reservation, sum(one.cost_usd or 0.0 for one in self.attempts[before:]))

    def _answered(self, decision: Decision, reply: Reply) -> Answer:
        last = self.attempts[-1]
        return Answer(
            ok=True,
            text=reply.text,
            model=last.model,
            complexity=decision.complexity,
            finish_reason=reply.finish_reason,
            usage=reply.usage,
            cost_usd=self._cost(),
            attempts=tuple(self.attempts),
            decision=decision.ranked,
            offline=self.desk.members[last.model].offline,
            call_id=self.id,
            plan=decision,
        )

    def _gave_up(self, decision: Decision) -> Answer:
        self.desk.store.moved(self.id, None)
        return Answer(
            ok=False,
            text="",
            model=None,
            complexity=decision.complexity,
            finish_reason=None,
            usage=Usage(),
            cost_usd=self._cost(),
            attempts=tuple(self.attempts),
            decision=decision.ranked,
            error=self._error(decision),
            call_id=self.id,
            plan=decision,
        )

    def _cost(self) -> float | None:
        """Return what all attempts cost together; None where an answer's price is unknown."""
        if any(one.cost_usd is None and one.outcome in {Outcome.OK, Outcome.TRUNCATED} for one in self.attempts):
            return None
        return sum(one.cost_usd or 0.0 for one in self.attempts)

    def _error(self, decision: Decision) -> CallError:
        rows = reasons(decision, self.attempts, self.desk.members)
        told = "; ".join(f"{row.model}: {row.why}" for row in rows)
        retry_at = min((row.retry_at for row in rows if row.retry_at is not None), default=None)
        if self._too_dear and not self.attempts:
            return CallError(
                "cost_limit", f"The cost limit leaves no room for {', '.join(self._too_dear)}.", retry_at
            )
        if self._left() <= 0:
            return CallError("deadline", f"The deadline passed before a model answered: {told}", retry_at)
        if not self.attempts:
            return CallError("no_usable_model", f"No model can be asked now: {told}", retry_at)
        return CallError("all_failed", f"Every model failed: {told}", retry_at)
