"""The store that a run uses on PostgreSQL: there for as long as that works, in a local file while it is away."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from archfb_state.settings import Settings
from archfb_state.storage.claims import ANSWER, PROBE, budget_of, new_token
from archfb_state.storage.lasting_store import LastingStore
from archfb_state.storage.postgres_failures import Away, Missing, ReadOnly
from archfb_state.storage.postgres_store import PostgresStore
from archfb_state.storage.shadow import KEEP_FRESH, MOVED
from archfb_state.storage.state_file import Newer
from archfb_state.store import Opened, StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, ModelRef, Snapshot, Transition
    from archfb_state.storage.postgres_way import PostgresWay
    from archfb_state.storage.shadow import Shadow
    from archfb_state.store import Lease, Store

T = TypeVar("T")

RETRY_AFTER = 10.0
"""Seconds after which a store that went on locally tries the database again."""

RARELY = 3600.0
"""Seconds between two probes of one deployment while the hosts cannot share what they find."""

_FAILURES = (StoreBusy, StoreUnusable, Newer, OSError)


class SharedStore(LastingStore):
    """The protocol `Store` on PostgreSQL, which never fails for want of its server."""

    def __init__(
        self,
        way: PostgresWay,
        shadow: Shadow | None,
        warn: Callable[[str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open; raises StoreUnusable where the URL must not be used."""
        self._shared, self._shadow = _by_one_clock(way, shadow)
        self._warn = warn
        self._monotonic = monotonic
        self._local: Store | None = None
        self._retry_at: float | None = None
        self._fresh_until = 0.0
        self._last: tuple[Settings, tuple[ModelRef, ...]] = Settings(), ()
        self._notes: tuple[str, ...] = ()
        self._made: dict[str, Store] = {}
        self._won: dict[str, Store] = {}
        self._saving = way.writable
        self._store: Store
        self._open()

    @property
    def opened(self) -> Opened:
        """Return how opening went, and what came up since."""
        return Opened(self._shared.path, saving=self._saving, notes=self._notes)

    def now(self) -> float:
        """Return the instant by the database's clock, which rules on every host."""
        return self._store.now()

    def _open(self) -> None:
        try:
            self._store = self._connected()
        except (StoreBusy, Newer) as failure:
            self._go_on(failure)

    def _connected(self) -> Store:
        store = self._shared.open()[0]
        if self._shared.writable and self._shadow is not None and self._shadow.is_late:
            settings, refs = self._last
            try:
                late = self._shadow.merge(store, settings, refs)
            except BaseException:
                store.close()
                raise
            if late:
                count = "1 attempt" if late == 1 else f"{late} attempts"
                self._say(f"Merged what was kept here while the database was away ({count}).")
        return store

    def together(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Do several things, each in a transaction of its own: each has its own way to be done again."""
        return [work() for work in works]

    def _do(self, work: Callable[[Store], T]) -> T:
        if self._retry_at is not None and self._monotonic() >= self._retry_at:
            self._come_back()
        for mend in (self._reconnect, self._go_on):
            if self._local is None:
                try:
                    return work(self._store)
                except Away as failure:
                    mend(failure)
                except (StoreBusy, Newer) as failure:  # the session is sound: another would say the same
                    self._go_on(failure)
        done = work(self._store)
        if self._retry_at is not None and self._shadow is not None and self._shared.writable:
            self._shadow.begin()  # another process may have merged what was there
        return done

    def _reconnect(self, failure: Exception) -> None:
        """Try once more with a new session: the server may only have been restarted."""
        self._store.close()
        try:
            self._store = self._connected()
        except (StoreUnusable, StoreBusy, Newer) as second:
            self._go_on(second if isinstance(second, (StoreBusy, Newer)) else failure)

    def _go_on(self, failure: Exception) -> None:
        """Go on locally; what a newer program keeps in the database is left alone, and nothing is saved."""
        if isinstance(failure, ReadOnly):
            self._keep_fresh()
        with suppress(AttributeError, StoreBusy):  # there is no store yet when the first opening failed
            self._store.close()
        if isinstance(failure, Missing) and not self._shared.writable:
            self._say_nothing_yet()
        elif isinstance(failure, Newer) or self._shadow is None:
            self._saving = False
            self._say(str(failure) if isinstance(failure, Newer) else f"{failure}. Running without saving.")
        else:
            self._say(self._sentence(failure))
            if self._shared.writable:
                self._shadow.begin()
            self._retry_at = self._monotonic() + RETRY_AFTER
        self._local = self._store = self._opened_locally(failure)

    def _say_nothing_yet(self) -> None:
        self._retry_at = self._monotonic() + RETRY_AFTER

    def _opened_locally(self, failure: Exception) -> Store:
        from archfb_state.storage.examination import examine
        from archfb_state.storage.memory_store import MemoryStore
        from archfb_state.storage.peeking_store import PeekingStore

        core = self._shared.core
        if self._shadow is None or isinstance(failure, (Newer, Missing)):
            return MemoryStore(clock=core.clock, observe=core.observe, settle=core.settle, rng=core.rng)
        if not self._shared.writable:
            path = self._shadow.path
            return PeekingStore(path, exists=examine(path).exists, patience=1.0, clock=core.clock)
        return LastingStore(self._shadow.way(), self._warn)

    def _sentence(self, failure: Exception) -> str:
        age = None if self._shadow is None else self._shadow.age()
        known = "nothing is known of it yet" if age is None else f"going on from what was known {_span(age)} ago"
        kept = "; what happens is kept here and merged later" if self._shared.writable else ""
        return f"{failure}; {known}{kept}."

    def _come_back(self) -> None:
        """Use the database again if it is there; what was kept meanwhile is merged first."""
        self._retry_at = self._monotonic() + RETRY_AFTER
        local = self._store
        try:
            store = self._connected()
        except _FAILURES:
            return
        self._store, self._local, self._retry_at = store, None, None
        local.close()
        self._say("The database is back.")

    def _say(self, sentence: str) -> None:
        self._notes += (sentence,)
        if self._warn is not None:
            self._warn(sentence)

    def decide(
        self,
        slot: str,
        call_id: str,
        choose: Callable[[Snapshot, Credits], tuple[Decision, Credits]],
        *,
        run_id: str | None = None,
        expires_s: float = 600.0,
    ) -> Decision:
        """Choose within one transaction, once: a second try first looks whether the first one came through."""
        made: list[Decision] = []

        def chosen(rows: Snapshot, held: Credits) -> tuple[Decision, Credits]:
            decision, after = choose(rows, held)
            made.append(decision)
            return decision, after

        def work(store: Store) -> Decision:
            if made and isinstance(store, PostgresStore):
                return store.decide(slot, call_id, chosen, run_id=run_id, expires_s=expires_s, made=made[-1])
            return store.decide(slot, call_id, chosen, run_id=run_id, expires_s=expires_s)

        return self._do(work)

    def acquire(self, name: str, seconds: float, *, token: str | None = None) -> Lease | None:
        """Win a lease that nobody holds unexpired; one to probe lasts long while hosts cannot agree on who does."""
        return super().acquire(name, max(seconds, RARELY) if self._alone(name) else seconds, token=token)

    def release(self, lease: Lease) -> None:
        """Give a lease back."""
        if not self._alone(lease.name):
            super().release(lease)

    def _alone(self, name: str) -> bool:
        return self._local is not None and name.startswith(PROBE) and not name.startswith(ANSWER)

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
        was_here = self._local is not None
        made = super().reserve(
            budget, usd, limit_usd, count_limit=count_limit, seconds=seconds, token=token or new_token()
        )
        if made is not None:
            self._made[made] = self._store
            if self._local is not None and not was_here:  # perhaps it was made there as well
                self._local.meta(MOVED + made, [None])
        return made

    def spend(self, reservation: str, usd: float) -> None:
        """Settle a reservation, where it was made or, if that is away or was merged, where the run goes on."""

        def settle(store: Store) -> None:
            made = self._made.get(reservation, store)
            if isinstance(made, PostgresStore) is isinstance(store, PostgresStore):
                store.spend(reservation, usd)
            elif isinstance(store, PostgresStore):
                store.settle_late(reservation, usd)
            else:
                store.reserve(budget_of(reservation), usd, None, token=reservation.partition(":")[0])
                store.spend(reservation, usd)
                store.meta(MOVED + reservation, [usd])

        self._do(settle)
        self._made.pop(reservation, None)

    def record(
        self,
        attempts: Sequence[Attempt],
        settings: Settings,
        *,
        refs: Iterable[ModelRef] = (),
        ended: str | None = None,
        lease: Lease | None = None,
    ) -> tuple[Transition, ...]:
        """Append attempts, move the records on; now and then write down what is known of the database."""
        found = super().record(attempts, settings, refs=refs, ended=ended, lease=lease)
        if self._monotonic() >= self._fresh_until:
            self._keep_fresh()
        return found

    def attempts(
        self, *, since: float = 0.0, model: str | None = None, run_id: str | None = None, limit: int | None = None
    ) -> Iterator[Attempt]:
        """Yield attempts, oldest first; pages are read under way, so a session that has died is noticed first."""
        self._do(lambda store: store.spent(""))
        return super().attempts(since=since, model=model, run_id=run_id, limit=limit)

    def _keep_fresh(self) -> None:
        """Write down what is known, for a time when the database is away."""
        self._fresh_until = self._monotonic() + KEEP_FRESH
        if self._shadow is None or self._local is not None or not self._shadow.is_stale:
            return
        import sqlite3

        with suppress(sqlite3.Error, *_FAILURES):
            self._shadow.remember(self._store.snapshot(), self._store.salt, self._store.now())

    def close(self) -> None:
        """Let go of everything, after one more try to merge what was kept."""
        if self._local is not None and self._retry_at is not None and self._shared.writable:
            self._local.close()
            self._come_back()
        elif self._shared.writable:
            self._keep_fresh()
        with suppress(StoreBusy):
            self._store.close()


def _by_one_clock(way: PostgresWay, shadow: Shadow | None) -> tuple[PostgresWay, Shadow | None]:
    """Let the server's clock rule over every session and, as far as it is known, while it is away."""
    if way.core.clock is not time.time:
        return way, shadow
    from archfb_state.storage.server_clock import ServerClock

    clock = ServerClock(ahead=(shadow and shadow.ahead()) or 0.0)
    core = way.core._replace(clock=clock)
    return way._replace(core=core, clock=clock), shadow and shadow._replace(core=core)


def _span(seconds: float) -> str:
    for size, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
