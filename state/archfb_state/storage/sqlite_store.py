"""The store in one SQLite file: what decides and records, every method one short transaction."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from archfb_state.settings import Settings
from archfb_state.storage import claims, edits, history, results
from archfb_state.storage.rows import clean_text
from archfb_state.storage.sqlite_reports import SqliteReports
from archfb_state.store import Lease

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, Changes, ModelRef, Snapshot, Transition
    from archfb_state.storage.sqlite_reports import Question

T = TypeVar("T")


class SqliteStore(SqliteReports):
    """The protocol `Store` over one open `Database`.

    Raises StoreBusy (not locked within the database's patience), FileMoved and sqlite3.Error; whoever may not
    fail uses the store that `opening.open_state` returns, which goes on in memory instead.
    """

    def snapshot(self) -> Snapshot:
        """Return everything that a decision reads."""
        return self._read(self._snapshot)

    def _snapshot(self, connection: sqlite3.Connection) -> Snapshot:
        self._remembered.refresh(connection)
        return self._remembered.snapshot(connection, self._clock())

    def decide(
        self,
        slot: str,
        call_id: str,
        choose: Callable[[Snapshot, Credits], tuple[Decision, Credits]],
        *,
        run_id: str | None = None,
        expires_s: float = 600.0,
    ) -> Decision:
        """Choose within one transaction; a store opened for reading only chooses and remembers nothing."""
        slot, call_id = clean_text(slot), clean_text(call_id)
        if not self._database.writable:
            rows = self.snapshot()
            return choose(rows, self._read(lambda c: results.credits(c, slot)))[0]

        def work(connection: sqlite3.Connection) -> Decision:
            now = self._clock()
            turns = self._remembered.credits
            before = turns.get(slot)
            if before is None:
                before = turns[slot] = results.credits(connection, slot)
            decision, after = choose(self._rows(connection, now), dict(before))
            turns[slot] = results.save_credits(connection, slot, before, after)
            first = next((one.model for one in decision.ranked if one.eligible), None)
            if first is not None:
                self._remembered.flights.depart(connection, call_id, clean_text(first), now, expires_s)
            history.save_decision(connection, now, call_id, run_id, decision, first)
            return decision

        return self._transact(work, [(results.CREDITS, (slot,))])

    def moved(self, call_id: str, model: str | None) -> None:
        """Say that a call in flight is now at another model; None: it has ended."""

        def work(connection: sqlite3.Connection) -> None:
            name = None if model is None else clean_text(model)
            self._remembered.flights.moved(connection, clean_text(call_id), name, self._clock())

        self._transact(work)

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
        known = tuple(refs)
        observe, rng = self._core()[0], self._random()

        def work(connection: sqlite3.Connection) -> tuple[Transition, ...]:
            now = self._clock()
            found: list[Transition] = []
            append = self._appending(connection, attempts)
            for attempt in attempts:
                kept = append(attempt)
                if kept is not None and not claims.lost(connection, lease, kept.deployment):
                    rows = self._rows_for(connection, kept, settings, known, now)
                    changes = observe(rows, kept, settings, now, rng, known)
                    self._remembered.apply(connection, changes)
                    found += changes.transitions
            if ended is not None:
                self._remembered.flights.moved(connection, clean_text(ended), None, now)
            return tuple(found)

        return self._write(work, self._asks(attempts))

    def _asks(self, _attempts: Sequence[Attempt]) -> Iterable[Question]:
        """Return what `_appending` will ask."""
        return ()

    def _appending(
        self, connection: sqlite3.Connection, _attempts: Sequence[Attempt]
    ) -> Callable[[Attempt], Attempt | None]:
        """Return what appends one of these attempts, and says None where its id was there already."""
        return partial(history.append, connection)

    def _rows_for(
        self,
        connection: sqlite3.Connection,
        attempt: Attempt,
        settings: Settings,
        refs: Sequence[ModelRef],
        now: float,
    ) -> Snapshot:
        rows = self._remembered.rows_for(connection, attempt, refs, now)
        if any(self._remembered.damaged()):
            self._rebuild(connection, settings)
            rows = self._remembered.rows_for(connection, attempt, refs, now)
        return rows

    def _rows(self, connection: sqlite3.Connection, now: float) -> Snapshot:
        rows = self._remembered.snapshot(connection, now)
        if any(self._remembered.damaged()):
            self._rebuild(connection, Settings())
            rows = self._remembered.snapshot(connection, now)
        return rows

    def _rebuild(self, connection: sqlite3.Connection, settings: Settings) -> None:
        from archfb_state.storage.rebuilding import rebuild

        rebuild(connection, self._remembered, self._core()[0], settings)

    def together(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Do several things with this store in one transaction; a store opened for reading only does each alone."""
        if not self._database.writable:
            return [work() for work in works]
        return self._write(lambda _: [work() for work in works])

    def settle(self, settings: Settings, refs: Iterable[ModelRef]) -> tuple[Transition, ...]:
        """Write down changes of status that time alone brought."""
        known = tuple(refs)
        settle = self._core()[1]
        return self._change(lambda rows, now: settle(rows, settings, now, known)).transitions

    def _change(self, change: Callable[[Snapshot, float], Changes]) -> Changes:
        def work(connection: sqlite3.Connection) -> Changes:
            now = self._clock()
            changes = change(self._rows(connection, now), now)
            self._remembered.apply(connection, changes)
            return changes

        return self._write(work)

    def learn(
        self,
        model: str,
        *,
        parameter: Mapping[str, str] | None = None,
        window: tuple[str, int] | None = None,
        token_ratio: float | None = None,
    ) -> None:
        """Remember a refused parameter, a deployment's true window, or an estimate's correction."""
        self._change(lambda rows, _: edits.learned(rows, clean_text(model), parameter, window, token_ratio))

    def limits(self, account: str, *, requests: int | None, tokens: int | None, reset_at: float | None) -> None:
        """Remember what an account has left."""
        self._change(lambda rows, _: edits.limited(rows, clean_text(account), requests, tokens, reset_at))

    def acquire(self, name: str, seconds: float, *, token: str | None = None) -> Lease | None:
        """Win a lease that nobody else holds unexpired (whoever has its token holds it), else return None."""

        def work(connection: sqlite3.Connection) -> Lease | None:
            now = self._clock()
            wanted = Lease(clean_text(name), token or claims.new_token(), now + seconds)
            return claims.acquire(connection, wanted, now, self._holder())

        return self._claim(work)

    def _holder(self) -> int:
        """Return the process number that stands beside a lease."""
        return os.getpid()

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that expired and was won by another is left alone."""
        self._claim(lambda c: claims.release(c, lease))

    def _claim(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._remembered.leases = None
        return self._write(work)

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
        limits, wanted = (limit_usd, count_limit), claims.reservation_of(clean_text(budget), token)
        return self._write(lambda c: claims.reserve(c, wanted, usd, limits, self._clock(), seconds))

    def spend(self, reservation: str, usd: float) -> None:
        """Settle a reservation with what was really spent."""
        self._write(lambda c: claims.spend(c, reservation, usd, self._clock()))

    def spent(self, budget: str) -> tuple[int, float]:
        """Return how many reservations a budget had, and the USD spent or still reserved."""
        return self._read(lambda c: claims.spent(c, clean_text(budget), self._clock()))

    def drain(self, model: str, *, by: str, why: str, until: float) -> None:
        """Take a model out by hand."""
        name = clean_text(model)
        self._change(lambda rows, now: edits.drained(rows, name, clean_text(by), clean_text(why), until, now))

    def undrain(self, model: str, *, by: str) -> bool:
        """Put it back; False where it was not drained."""
        settle = self._core()[1]
        changes = self._change(
            lambda rows, now: edits.undrained(rows, clean_text(model), clean_text(by), now, settle)
        )
        return bool(changes.models)

    def reset(self, ref: ModelRef, *, by: str) -> None:
        """Forget a model's record (its deployment's and account's too); counters and attempts stay."""
        self._change(lambda rows, now: edits.forgotten(rows, ref, clean_text(by), now))
