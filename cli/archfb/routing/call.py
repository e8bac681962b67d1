"""One call through its chain: from candidate to candidate until one answers, or nobody is left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING

from archfb import events
from archfb.providers.exchange import Usage
from archfb.routing import beside, pace, plan
from archfb.routing.answer import Answer, CallError
from archfb.routing.asking import Asking
from archfb.routing.beside import Beside, stopped
from archfb.routing.failure import Scene, reasons, sentence
from archfb.routing.ledger import Ledger
from archfb.routing.table import OFFLINE_MACHINE, percentile
from archfb_state.core.machine import offline
from archfb_state.core.pace import overdue_after
from archfb_state.core.standing import standing
from archfb_state.outcomes import Outcome
from archfb_state.records import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.providers.exchange import Question, Reply
    from archfb.routing.desk import Desk
    from archfb.routing.plan import Request
    from archfb.routing.roster import Member
    from archfb_state.decisions import Decision, Ranked
    from archfb_state.store import Lease

TRIAL_ATTEMPTS = 1
"""A half-open trial is one request, never repeated."""

HEDGE_SAMPLES = 10
"""Successful calls of a model from which its latency's quantile means something."""


@dataclass(slots=True)
class Call:
    """The life of one call. `build` makes the question for the input tokens that a window leaves (None: unknown)."""

    desk: Desk
    request: Request
    build: Callable[[int | None], Question]
    deadline: float
    """Monotonic seconds at which the call must have ended."""
    role: str = "ask"
    ledger: Ledger = field(init=False)
    rows: Snapshot = field(default_factory=lambda: Snapshot(0.0))
    """What was last read of the memory: at the decision, then at each hand-over."""
    _refused_window: int | None = None
    _too_dear: list[str] = field(default_factory=list)
    _hedged: set[str] = field(default_factory=set)
    _trials: Beside = field(default_factory=Beside)
    _skipped: dict[str, str] = field(default_factory=dict)
    """Candidates that were passed over once the call was on its way, and why."""

    def __post_init__(self) -> None:
        """Begin with nothing tried."""
        self.ledger = Ledger(self.desk, self.request.phase, self.role)

    async def run(self) -> Answer:
        """Return the answer, good or bad; raises CancelledError alone, with everything recorded."""
        self.desk.calls += 1
        self.desk.together.calls += 1
        try:
            return await self._run()
        finally:
            self.desk.together.calls -= 1

    async def _run(self) -> Answer:
        call_id, phase = self.ledger.call_id, self.request.phase
        decision, self.rows = await self.desk.decide(self.request, call_id, expires_s=max(1.0, self._left()))
        self.desk.observe(events.CallStarted(call_id, phase, self.role, decision))
        try:
            answer = await self._through(decision)
        except BaseException:
            await self._trials.stop()
            self.ledger.flush(blame=False)
            raise
        self._trials.leave(self.desk, lambda: self.ledger.flush(blame=answer.ok))
        self.desk.observe(events.CallEnded(call_id, phase, self.role, answer.model, answer.cost_usd))
        return answer

    def _left(self) -> float:
        return self.deadline - self.desk.clock()

    def _member(self, ranked: Ranked) -> Member:
        return self.desk.members[ranked.model]

    async def _through(self, decision: Decision) -> Answer:
        models: list[Ranked] = []
        offline: list[Ranked] = []
        for one in decision.order:
            (offline if self._member(one).offline else models).append(one)
        reply = await self._each(models)
        if not self._over(reply):
            reply = await self._wait_for_a_hold(decision) or reply
        # A limit on cost is an answer of its own: standing in for the models that it kept out would hide it.
        if offline and not self._over(reply) and not self._too_dear:
            reply = await self._each(offline)
        accepted = reply is not None and reply.ok
        self.ledger.flush(blame=accepted)
        return self._answered(decision, reply) if accepted and reply is not None else self._gave_up(decision)

    def _over(self, reply: Reply | None) -> bool:
        """Whether nobody else is to be asked: there is an answer, or a refusal that is to stand."""
        if reply is None:
            return False
        return reply.ok or self._stands(reply.outcome)

    def _stands(self, outcome: Outcome) -> bool:
        return outcome is Outcome.CONTENT_FILTERED and self.desk.config.routing.on_refusal == "stop"

    async def _each(self, order: list[Ranked]) -> Reply | None:
        reply = None
        for at, ranked in enumerate(order):
            if ranked.model not in self._hedged and self._may_ask(ranked):
                if reply is not None and reply.outcome is Outcome.CONTEXT_TOO_LONG:
                    self._say_who_takes_it(ranked)
                if self._tried_beside(ranked, order[at + 1 :]):
                    continue
                reply = await self._trials.first(self._turn(ranked, order[at + 1 :])) or reply
                if self._over(reply):
                    return reply
        return await self._trials.last() or reply

    def _tried_beside(self, ranked: Ranked, rest: list[Ranked]) -> bool:
        """Make the trial of a model that hung beside the next candidate's turn; False where it is waited for."""
        record = self.rows.deployments.get(self._member(ranked).ref.deployment)
        if not beside.wanted(self.desk, ranked, record, rest):
            return False
        self._trials.start(self._with_lease(ranked, len(rest), self._usual(ranked)))
        self.desk.store.moved(self.ledger.call_id, next(one.model for one in rest if one.lease is None))
        return True

    def _say_who_takes_it(self, ranked: Ranked) -> None:
        """Say that the prompt was too long for the last model, and that the next one may have room for it."""
        member = self._member(ranked)
        size = plan.window(member, self.desk.price(member), self.rows)
        larger = " (larger window)" if size is not None and not member.offline else ""
        why = sentence(self.ledger.attempts[-1], self._scene())
        self.desk.observe(events.Note(f"{why} Trying {ranked.model}{larger}…"))

    def _may_ask(self, ranked: Ranked) -> bool:
        """Whether time is left, and nothing learned in this call or elsewhere meanwhile speaks against it."""
        why = None if self._member(ranked).offline else self._against(ranked)
        if why is not None:
            self._skipped[ranked.model] = why
        return why is None

    def _against(self, ranked: Ranked) -> str | None:
        if self._left() <= 0:
            return "no time was left"
        if not self.ledger.attempts:
            return None
        member = self._member(ranked)
        self.rows = self.desk.store.snapshot()
        size = plan.window(member, self.desk.price(member), self.rows)
        if self._refused_window is not None and size is not None and size <= self._refused_window:
            return "its window is no larger than the one that was too small"
        now = standing(member.ref, self.rows, self.desk.settings, self.rows.at)
        return now.reason if ranked.lease is None and now.status == "unavailable" else None

    async def _turn(self, ranked: Ranked, rest: list[Ranked]) -> Reply | None:
        """Ask one candidate, and a second one beside it where hedging is on and the first is slow."""
        delay = self._hedge_after(ranked)
        backup = next((one for one in rest if one.lease is None and not self._member(one).offline), None)
        if delay is None or backup is None:
            return await self._with_lease(ranked, len(rest))
        first = asyncio.ensure_future(self._with_lease(ranked, len(rest)))
        try:
            await asyncio.wait({first}, timeout=delay)
            if first.done():
                return first.result()
            return await self._race(first, backup, len(rest) - 1)
        finally:
            await stopped(first)

    def _hedge_after(self, ranked: Ranked) -> float | None:
        """Return the seconds after which a second candidate is asked too: a quantile of the model's own latency."""
        quantile = self.desk.config.routing.hedge
        record = self.rows.models.get(ranked.model)
        if not quantile or record is None or len(record.latencies_ms) < HEDGE_SAMPLES:
            return None
        return (percentile(record.latencies_ms, quantile) or 0.0) / 1000

    async def _race(self, first: asyncio.Future[Reply | None], backup: Ranked, others: int) -> Reply | None:
        """Return the first good reply of the two; the loser is cancelled and held against nobody."""
        self._hedged.add(backup.model)
        second = asyncio.ensure_future(self._with_lease(backup, others))
        try:
            done, pending = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
            replies = [one.result() for one in done]
            good = next((one for one in replies if one is not None and one.ok), None)
            if good is not None or not pending:
                return good or replies[0]
            return await pending.pop() or replies[0]
        finally:
            await stopped(second)

    def _usual(self, ranked: Ranked) -> float:
        """Return the seconds after which a trial beside a call has failed: what would be late of a healthy model."""
        record = self.rows.models.get(ranked.model)
        late = overdue_after(record) if record is not None else None
        return inf if late is None else late

    async def _with_lease(self, ranked: Ranked, others: int, most: float = inf) -> Reply | None:
        """Ask a candidate; one that needs a lease only where that is won, and then once."""
        if ranked.lease is None:
            return await self._ask(self._member(ranked), others, self.desk.config.routing.attempts_per_model)
        lease = self.desk.store.acquire(ranked.lease, ranked.lease_s)
        if lease is None:
            self._skipped[ranked.model] = "its trial is being made elsewhere"
            return None
        try:
            return await self._ask(self._member(ranked), others, TRIAL_ATTEMPTS, lease, most)
        finally:
            if not ranked.lease.startswith("critical:"):
                self.desk.store.release(lease)

    async def _ask(
        self, member: Member, others: int, allowed: int, lease: Lease | None = None, most: float = inf
    ) -> Reply | None:
        turn = Asking(
            self.desk,
            self.request,
            self.build,
            self.ledger,
            self.rows,
            self.deadline,
            member,
            others,
            allowed,
            lease,
            most,
        )
        reply = await turn.ask()
        if reply is None:
            self._too_dear.append(member.model.name)
        elif not reply.ok:
            self.ledger.failed = member.model.name
        if reply is not None and reply.outcome is Outcome.CONTEXT_TOO_LONG:
            self._refused_window = max(reply.window or self.request.tokens, self._refused_window or 0)
        return reply

    async def _wait_for_a_hold(self, decision: Decision) -> Reply | None:
        """When nothing else is left, wait out a short rate limit and ask that model once more."""
        rows = self.rows = self.desk.store.snapshot()
        waits = {ranked.model: wait for ranked in decision.ranked if (wait := self._hold(ranked, rows)) is not None}
        name = min(waits, key=waits.__getitem__, default=None)
        if name is None or not pace.short_enough(waits[name], self._left()):
            return None
        await self.desk.sleep(waits[name] + 0.01)
        return await self._ask(self.desk.members[name], 0, 1)

    def _hold(self, ranked: Ranked, rows: Snapshot) -> float | None:
        """Return the seconds that a rate limited candidate which may be asked again is still held, else None.

        One that was refused in this call and is held no longer may be asked after a moment that chance chooses.
        """
        member = self._member(ranked)
        again = self.ledger.asked(ranked.model) < self.desk.config.routing.attempts_per_model
        if member.offline or not again or plan.exclusion(member, self.desk.price(member), rows, self.request):
            return None
        now = standing(member.ref, rows, self.desk.settings, rows.at)
        if now.status == "unavailable":
            limited = now.held and now.reason.startswith("rate limited") and now.retry_at is not None
            return max(0.0, (now.retry_at or 0.0) - rows.at) if limited else None
        refused = self.ledger.last(ranked.model) is Outcome.RATE_LIMITED
        return self.desk.rng.uniform(0.0, pace.QUICK_REPEAT) if refused else None

    def _explained(self, decision: Decision) -> Decision:
        """Return the decision with what turned out on the way: who was passed over after all, and why."""
        ranked = (
            replace(one, eligible=False, why=self._skipped[one.model]) if one.model in self._skipped else one
            for one in decision.ranked
        )
        return replace(decision, ranked=tuple(ranked)) if self._skipped else decision

    def _answered(self, decision: Decision, reply: Reply) -> Answer:
        answered = self.ledger.of(reply)
        return Answer(
            ok=True,
            text=reply.text,
            model=answered.model,
            complexity=decision.complexity,
            finish_reason=reply.finish_reason,
            usage=reply.usage,
            cost_usd=self.ledger.cost(),
            attempts=tuple(self.ledger.attempts),
            decision=self._explained(decision).ranked,
            offline=self.desk.members[answered.model].offline,
            truncated=reply.outcome is Outcome.TRUNCATED,
            call_id=self.ledger.call_id,
            plan=decision,
        )

    def _gave_up(self, decision: Decision) -> Answer:
        self.desk.store.moved(self.ledger.call_id, None)
        explained, scene = self._explained(decision), self._scene()
        return Answer(
            ok=False,
            text="",
            model=None,
            complexity=decision.complexity,
            finish_reason=None,
            usage=Usage(),
            cost_usd=self.ledger.cost(),
            attempts=tuple(self.ledger.attempts),
            decision=explained.ranked,
            error=self._error(explained, scene),
            call_id=self.ledger.call_id,
            plan=decision,
            since={one.model: one.since for one in scene.rows.models.values() if one.since is not None},
        )

    def _scene(self) -> Scene:
        """Return what the sentences on a failed call are about, as it is known at its end."""
        rows = self.desk.store.snapshot()
        asked = {one.model: self.desk.members[one.model] for one in self.ledger.attempts}
        windows = {name: plan.window(one, self.desk.price(one), rows) for name, one in asked.items()}
        return Scene(self.desk.members, self.desk.config.chained, self.request.tokens, windows, rows)

    def _error(self, decision: Decision, scene: Scene) -> CallError:
        rows = reasons(decision, self.ledger.attempts, scene)
        told = " ".join(f"{row.model}: {row.why}" for row in rows)
        retry_at = min((row.retry_at for row in rows if row.retry_at is not None), default=None)
        if self._too_dear and not self.ledger.attempts:
            return CallError(
                "cost_limit", f"The cost limit leaves no room for {', '.join(self._too_dear)}.", retry_at
            )
        if self._left() <= 0:
            return CallError("deadline", f"The deadline passed before a model answered: {told}", retry_at)
        if offline(scene.rows.machine, scene.rows.at):
            return CallError("all_failed", f"{OFFLINE_MACHINE} {told}", retry_at)
        if not self.ledger.attempts:
            return CallError("no_usable_model", f"No model can be asked now: {told}", retry_at)
        if self._stands(self.ledger.attempts[-1].outcome):
            return CallError("all_failed", f'A refusal ended the call (on_refusal = "stop"): {told}', retry_at)
        return CallError("all_failed", f"Every model failed: {told}", retry_at)
