"""What every call of a router shares: configuration, memory, transport, clock, chance and observers."""

from __future__ import annotations

import time
from asyncio import CancelledError
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archfb.routing import plan
from archfb.routing.attempt import new_id
from archfb.routing.pace import RepeatBudget
from archfb.routing.prices import price
from archfb.routing.roster import OFFLINE
from archfb.routing.together import Together

if TYPE_CHECKING:
    import random
    from asyncio import Future
    from collections.abc import Awaitable, Callable

    from archfb.config.model import Config
    from archfb.events import Event, Observer
    from archfb.providers.exchange import Reply
    from archfb.providers.transport import Transport
    from archfb.routing.plan import Request
    from archfb.routing.prices import Price
    from archfb.routing.roster import Member, Roster
    from archfb_state.decisions import Credits, Decision, Demand
    from archfb_state.records import Attempt, ModelRef, Snapshot, Transition
    from archfb_state.settings import Settings
    from archfb_state.store import Lease, Store


@dataclass(slots=True)
class Desk:
    """The shared things of one router. `clock` is monotonic seconds; the store has the wall clock."""

    config: Config
    store: Store
    members: Roster
    transport: Transport
    rng: random.Random
    sleep: Callable[[float], Awaitable[None]]
    observe: Observer
    run_id: str | None = None
    clock: Callable[[], float] = time.monotonic
    calls: int = 0
    """Calls begun in this process."""
    trials: set[Future[Reply | None]] = field(default_factory=set)
    """Trials that outlast the calls beside which they are made."""
    repeats: RepeatBudget = field(default_factory=RepeatBudget)
    settings: Settings = field(init=False)
    refs: tuple[ModelRef, ...] = field(init=False)
    together: Together = field(init=False)
    budget: str = field(init=False)
    """Whose spending `max_cost` limits: the run's, or this router's own."""
    _prices: dict[str, Price] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Work out once what every decision reads."""
        self.settings = self.config.settings
        self.together = Together(self.store)
        self.budget = f"run:{self.run_id or new_id()}"
        self.refs = tuple(self.members[name].ref for name in self.config.chained)

    @property
    def day(self) -> str:
        """Return the day in UTC, as the names of daily budgets end."""
        return datetime.fromtimestamp(self.store.now(), UTC).strftime("%Y-%m-%d")

    def price(self, member: Member) -> Price:
        """Return a member's prices and window, looked up once."""
        found = self._prices.get(member.model.name)
        if found is None:
            found = self._prices[member.model.name] = price(member.model, member.provider)
        return found

    def choose(
        self, request: Request, rows: Snapshot, credits_: Credits, wanted: Demand | None = None
    ) -> tuple[Decision, Credits]:
        """Return the order in which a request's candidates are asked; `wanted` where that is known already."""
        return plan.decide(
            self.config, self.members, rows, request, credits_, self.price, self.settings, self.rng, wanted
        )

    async def decide(self, request: Request, call_id: str, *, expires_s: float) -> tuple[Decision, Snapshot]:
        """Choose, and remember the turn, the decision and the call in flight, in one transaction.

        Returns what the decision read as well.
        """
        wanted = plan.demand(self.config, request)
        seen: list[Snapshot] = []

        def chosen(rows: Snapshot, credits_: Credits) -> tuple[Decision, Credits]:
            seen.append(rows)
            return self.choose(request, rows, credits_, wanted)

        slot = f"{request.phase}/{wanted.complexity}"
        store, run_id = self.store, self.run_id
        try:
            decision = await self.together.do(
                lambda: store.decide(slot, call_id, chosen, run_id=run_id, expires_s=expires_s)
            )
        except CancelledError:
            await self.together.do(lambda: store.moved(call_id, None))
            raise
        if any(not one.eligible for one in decision.ranked):
            self._date_holds(seen[-1])
        return decision, seen[-1]

    def _date_holds(self, rows: Snapshot) -> None:
        """Let the holds that outlast a clock which was set back end after what was left of them."""
        from archfb_state.core.evidence import unsettled

        if unsettled(rows, rows.at):
            self._tell(self.store.settle(self.settings, self.refs))

    def record(self, attempts: list[Attempt], *, ended: str | None = None, lease: Lease | None = None) -> None:
        """Write attempts down and tell the observers what changed."""
        self._tell(self._recorded(attempts, ended, lease))

    async def record_soon(
        self, attempts: list[Attempt], *, ended: str | None = None, lease: Lease | None = None
    ) -> None:
        """Write attempts down together with what other calls have to write, and tell the observers what changed."""
        self._tell(await self.together.do(lambda: self._recorded(attempts, ended, lease)))

    def _recorded(self, attempts: list[Attempt], ended: str | None, lease: Lease | None) -> tuple[Transition, ...]:
        return self.store.record(attempts, self.settings, refs=self.refs, ended=ended, lease=lease)

    def _tell(self, transitions: tuple[Transition, ...]) -> None:
        if transitions:
            from archfb.events import StatusChanged

            for transition in transitions:
                if transition.model != OFFLINE:
                    self.observe(StatusChanged(transition))


def nobody(event: Event) -> None:
    """Ignore an event."""
