"""The store in memory alone: for tests, and for a run that goes on when nothing can be saved."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

from archfb_state.records import Changes, Snapshot
from archfb_state.storage import edits
from archfb_state.storage.claims import new_token, reservation_of
from archfb_state.storage.flights import SKEW, waiting_since
from archfb_state.storage.memory_reports import MemoryReports
from archfb_state.storage.rows import (
    ACCOUNTS,
    ATTEMPTS,
    DEPLOYMENTS,
    MACHINE,
    MODELS,
    TRANSITIONS,
    clean_text,
    compact,
    stored,
)
from archfb_state.store import Lease, Opened, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, ModelRef, Transition
    from archfb_state.settings import Settings
    from archfb_state.storage.sqlite_reports import Observe, Settle

T = TypeVar("T")


class MemoryStore(MemoryReports):
    """The protocol `Store` over dictionaries: nothing outlives the process."""

    def __init__(
        self,
        *,
        seed: Snapshot | None = None,
        salt: bytes | None = None,
        opened: Opened | None = None,
        clock: Callable[[], float] = time.time,
        observe: Observe | None = None,
        settle: Settle | None = None,
        rng: Random | None = None,
    ) -> None:
        """Begin with what a snapshot holds, else empty."""
        super().__init__(clock)
        self.opened = opened or Opened(":memory:", saving=False)
        self._observe = observe
        self._settle = settle
        self._rng = rng
        self._salt = salt or os.urandom(16)
        self._rows = seed or Snapshot(clock())
        self._flights = {f"before-{model}-{n}": (model, clock(), clock() + 600.0) for model, n in _seats(self._rows)}
        self._leases = {name: ("", clock(), ends) for name, ends in self._rows.leases.items()}
        self._credits: dict[str, Credits] = {}
        self._budgets: dict[str, tuple[int, float]] = {}
        self._reservations: dict[str, tuple[str, float, float, float]] = {}
        self._metas: dict[str, str] = {}

    def _core(self) -> tuple[Observe, Settle]:
        if self._observe is None or self._settle is None:
            from archfb_state.core.evidence import observe, settle

            self._observe = self._observe or observe
            self._settle = self._settle or settle
        return self._observe, self._settle

    def _random(self) -> Random:
        if self._rng is None:
            from random import Random

            self._rng = Random()  # noqa: S311 - jitter, not secrets
        return self._rng

    @property
    def salt(self) -> bytes:
        """Return the state's own salt, for fingerprints of keys."""
        return self._salt

    def snapshot(self) -> Snapshot:
        """Return everything that a decision reads."""
        now = self._clock()
        flights: dict[str, list[float]] = {}
        for model, began, ends in self._flights.values():
            if _runs(began, ends, now):
                flights.setdefault(model, []).append(began)
        in_flight = {model: len(began) for model, began in flights.items()}
        since = {model: waiting_since(began, now) for model, began in flights.items()}
        waiting = {model: at for model, at in since.items() if at is not None}
        leases = {name: ends for name, (_, began, ends) in self._leases.items() if _runs(began, ends, now)}
        return self._rows._replace(at=now, in_flight=in_flight, leases=leases, waiting=waiting)

    def decide(
        self,
        slot: str,
        call_id: str,
        choose: Callable[[Snapshot, Credits], tuple[Decision, Credits]],
        *,
        run_id: str | None = None,
        expires_s: float = 600.0,
    ) -> Decision:
        """Choose; remember the turn's credits, the decision, and the call in flight."""
        slot, call_id = clean_text(slot), clean_text(call_id)
        rows = self.snapshot()
        decision, after = choose(rows, dict(self._credits.get(slot, {})))
        self._credits[slot] = {clean_text(model): float(credit) for model, credit in after.items()}
        first = next((one.model for one in decision.ranked if one.eligible), None)
        if first is not None:
            self._flights = {call: one for call, one in self._flights.items() if _runs(*one[1:], rows.at)}
            self._flights[call_id] = (clean_text(first), rows.at, rows.at + expires_s)
        self._decided(rows.at, call_id, run_id, decision)
        return decision

    def moved(self, call_id: str, model: str | None) -> None:
        """Say that a call in flight is now at another model; None: it has ended."""
        flight = self._flights.pop(clean_text(call_id), None)
        if flight is not None and model is not None:
            self._flights[clean_text(call_id)] = (clean_text(model), self._clock(), flight[2])

    def record(
        self,
        attempts: Sequence[Attempt],
        settings: Settings,
        *,
        refs: Iterable[ModelRef] = (),
        ended: str | None = None,
        lease: Lease | None = None,
    ) -> tuple[Transition, ...]:
        """Append attempts (an id already there changes nothing), move the records on, end a call in flight."""
        known, observe, rng = tuple(refs), self._core()[0], self._random()
        before = len(self._transitions)
        for attempt in attempts:
            kept = stored(ATTEMPTS, attempt)
            if self._append(kept) and not self._lost(lease, kept.deployment):
                rows = self.snapshot()
                self._apply(observe(rows, kept, settings, rows.at, rng, known))
        if ended is not None:
            self.moved(ended, None)
        return tuple(self._transitions[before:])

    def _lost(self, lease: Lease | None, deployment: str) -> bool:
        if lease is None or not lease.is_on(deployment):
            return False
        return self._leases.get(lease.name, ("",))[0] != lease.token

    def together(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Do several things with this store."""
        return [work() for work in works]

    def settle(self, settings: Settings, refs: Iterable[ModelRef]) -> tuple[Transition, ...]:
        """Write down changes of status that time alone brought."""
        rows = self.snapshot()
        return self._apply(self._core()[1](rows, settings, rows.at, tuple(refs))).transitions

    def _apply(self, changes: Changes) -> Changes:
        rows = self._rows
        self._rows = rows._replace(
            deployments={**rows.deployments, **{k: stored(DEPLOYMENTS, v) for k, v in changes.deployments.items()}},
            accounts={**rows.accounts, **{k: stored(ACCOUNTS, v) for k, v in changes.accounts.items()}},
            models={**rows.models, **{k: stored(MODELS, v) for k, v in changes.models.items()}},
            machine=rows.machine if changes.machine is None else stored(MACHINE, changes.machine),
        )
        self._transitions += [stored(TRANSITIONS, one) for one in changes.transitions]
        return changes

    def learn(
        self,
        model: str,
        *,
        parameter: Mapping[str, str] | None = None,
        window: tuple[str, int] | None = None,
        token_ratio: float | None = None,
    ) -> None:
        """Remember a refused parameter, a deployment's true window, or an estimate's correction."""
        self._apply(edits.learned(self._rows, clean_text(model), parameter, window, token_ratio))

    def limits(self, account: str, *, requests: int | None, tokens: int | None, reset_at: float | None) -> None:
        """Remember what an account has left."""
        self._apply(edits.limited(self._rows, clean_text(account), requests, tokens, reset_at))

    def acquire(self, name: str, seconds: float, *, token: str | None = None) -> Lease | None:
        """Win a lease that nobody else holds unexpired (whoever has its token holds it), else return None."""
        name, now = clean_text(name), self._clock()
        held = self._leases.get(name)
        if held is not None and held[0] != token and _runs(held[1], held[2], now):
            return None
        lease = Lease(name, token or new_token(), now + seconds)
        self._leases[name] = (lease.token, now, lease.expires_at)
        return lease

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that expired and was won by another is left alone."""
        if self._leases.get(lease.name, ("",))[0] == lease.token:
            del self._leases[lease.name]

    def reserve(
        self,
        budget: str,
        usd: float,
        limit_usd: float | None,
        *,
        count_limit: int | None = None,
        seconds: float = 600.0,
        token: str | None = None,
    ) -> str | None:
        """Reserve part of a budget, once for each token; None where a limit would be passed."""
        budget, now = clean_text(budget), self._clock()
        reservation = reservation_of(budget, token)
        if reservation in self._reservations:
            return reservation
        count, taken = self.spent(budget)
        if limit_usd is not None and taken + usd > limit_usd + 1e-9:
            return None
        if count_limit is not None and count + 1 > count_limit:
            return None
        self._reservations[reservation] = (budget, usd, now, now + seconds)
        mine = self._budgets.get(budget, (0, 0.0))
        self._budgets[budget] = (mine[0] + 1, mine[1])
        return reservation

    def spend(self, reservation: str, usd: float) -> None:
        """Settle a reservation with what was really spent; a second time changes nothing."""
        reserved = self._reservations.pop(reservation, None)
        if reserved is not None:
            count, total = self._budgets[reserved[0]]
            self._budgets[reserved[0]] = (count, total + usd)

    def spent(self, budget: str) -> tuple[int, float]:
        """Return how many reservations a budget had, and the USD spent or still reserved."""
        now = self._clock()
        count, total = self._budgets.get(clean_text(budget), (0, 0.0))
        reserved = (
            usd
            for name, usd, began, ends in self._reservations.values()
            if name == clean_text(budget) and _runs(began, ends, now)
        )
        return count, total + sum(reserved)

    def drain(self, model: str, *, by: str, why: str, until: float) -> None:
        """Take a model out by hand."""
        self._apply(
            edits.drained(self._rows, clean_text(model), clean_text(by), clean_text(why), until, self._clock())
        )

    def undrain(self, model: str, *, by: str) -> bool:
        """Put it back; False where it was not drained."""
        settle = self._core()[1]
        changes = edits.undrained(self._rows, clean_text(model), clean_text(by), self._clock(), settle)
        return bool(self._apply(changes).models)

    def reset(self, ref: ModelRef, *, by: str) -> None:
        """Forget a model's record (its deployment's and account's too); counters and attempts stay."""
        self._apply(edits.forgotten(self._rows, ref, clean_text(by), self._clock()))

    def meta(self, name: str, value: Any = None) -> Any:
        """Read a small remembered value (JSON), or write it where one is given."""
        if value is not None:
            self._metas[clean_text(name)] = compact(value)
            return value
        text = self._metas.get(clean_text(name))
        return None if text is None else json.loads(text)

    def prune(self, *, keep_days: int, steps: int = 1) -> int:
        """Drop old attempts but the newest recorded, and claims that ended a day ago; the totals stay."""
        old = self._clock() - 86400.0
        self._flights = {call: one for call, one in self._flights.items() if one[2] >= old}
        self._leases = {name: one for name, one in self._leases.items() if one[2] >= old}
        self._reservations = {name: one for name, one in self._reservations.items() if one[3] >= old}
        return super().prune(keep_days=keep_days, steps=steps)

    def news(self) -> int | None:
        """Return None: whoever wants to know looks."""
        return None

    def check(self) -> list[str]:
        """Return what is wrong with the stored state: nothing can be."""
        return []

    def backup(self, path: str) -> None:
        """Refuse: there is nothing on a disk to copy."""
        raise StoreUnusable(f"Nothing is saved, so nothing was written to {path}")

    def close(self) -> None:
        """Let go of everything."""


def _runs(began: float, ends: float, now: float) -> bool:
    return began <= now + SKEW and ends > now


def _seats(rows: Snapshot) -> Iterable[tuple[str, int]]:
    return ((model, n) for model, count in rows.in_flight.items() for n in range(count))
