"""The store that a run uses: in the file for as long as that works, in memory from then on.

Health can be learned again and a paid answer cannot be had twice for nothing, so no failure to save ever ends a run.
"""

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

from archfb_state.storage.claims import new_token
from archfb_state.storage.saving import Saving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, ModelRef, Snapshot, Transition
    from archfb_state.settings import Settings
    from archfb_state.store import Counter, Lease, PhaseResult, Run, Store, StoredDecision

T = TypeVar("T")


class LastingStore(Saving):
    """The protocol `Store`, which never fails for want of a place to save."""

    @property
    def salt(self) -> bytes:
        """Return the state's own salt, for fingerprints of keys."""
        return self._do(lambda store: store.salt)

    def snapshot(self) -> Snapshot:
        """Return everything that a decision reads."""
        return self._do(lambda store: store.snapshot())

    def decide(
        self,
        slot: str,
        call_id: str,
        choose: Callable[[Snapshot, Credits], tuple[Decision, Credits]],
        *,
        run_id: str | None = None,
        expires_s: float = 600.0,
    ) -> Decision:
        """Choose within one transaction; remember the turn's credits, the decision, and the call in flight."""
        return self._do(lambda store: store.decide(slot, call_id, choose, run_id=run_id, expires_s=expires_s))

    def moved(self, call_id: str, model: str | None) -> None:
        """Say that a call in flight is now at another model; None: it has ended."""
        self._do(lambda store: store.moved(call_id, model))

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
        self._last = settings, tuple(refs)
        known = self._last[1]
        return self._do(
            lambda store: store.record(attempts, settings, refs=known, ended=ended, lease=self._known(lease, store))
        )

    def _known(self, lease: Lease | None, store: Store) -> Lease | None:
        """Return a lease to the store in which it was won; to another it says nothing."""
        return lease if lease is not None and self._won.get(lease.name) is store else None

    def together(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Do several things with this store, in one transaction where it can."""

        def all_of_them(store: Store) -> list[T]:
            before, self._joined = self._joined, (get_ident(), store)
            try:
                return store.together(works)
            finally:
                self._joined = before

        return self._do(all_of_them)

    def settle(self, settings: Settings, refs: Iterable[ModelRef]) -> tuple[Transition, ...]:
        """Write down changes of status that time alone brought."""
        known = tuple(refs)
        return self._do(lambda store: store.settle(settings, known))

    def learn(
        self,
        model: str,
        *,
        parameter: Mapping[str, str] | None = None,
        window: tuple[str, int] | None = None,
        token_ratio: float | None = None,
    ) -> None:
        """Remember a refused parameter, a deployment's true window, or an estimate's correction."""
        self._do(lambda store: store.learn(model, parameter=parameter, window=window, token_ratio=token_ratio))

    def limits(self, account: str, *, requests: int | None, tokens: int | None, reset_at: float | None) -> None:
        """Remember what an account has left."""
        self._do(lambda store: store.limits(account, requests=requests, tokens=tokens, reset_at=reset_at))

    def acquire(self, name: str, seconds: float, *, token: str | None = None) -> Lease | None:
        """Win a lease that nobody else holds unexpired (whoever has its token holds it), else return None."""
        token = token or new_token()  # one for all tries: the first may have won it without our hearing so
        lease = self._do(lambda store: store.acquire(name, seconds, token=token))
        if lease is not None:
            self._won[lease.name] = self._store
        return lease

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that expired and was won by another is left alone."""
        self._do(lambda store: store.release(lease))

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
        token = token or new_token()
        return self._do(
            lambda store: store.reserve(budget, usd, limit_usd, count_limit=count_limit, seconds=seconds, token=token)
        )

    def spend(self, reservation: str, usd: float) -> None:
        """Settle a reservation with what was really spent."""
        self._do(lambda store: store.spend(reservation, usd))

    def spent(self, budget: str) -> tuple[int, float]:
        """Return how many reservations a budget had, and the USD spent or still reserved."""
        return self._do(lambda store: store.spent(budget))

    def drain(self, model: str, *, by: str, why: str, until: float) -> None:
        """Take a model out by hand."""
        self._do(lambda store: store.drain(model, by=by, why=why, until=until))

    def undrain(self, model: str, *, by: str) -> bool:
        """Put it back; False where it was not drained."""
        return self._do(lambda store: store.undrain(model, by=by))

    def reset(self, ref: ModelRef, *, by: str) -> None:
        """Forget a model's record (its deployment's and account's too); counters and attempts stay."""
        self._do(lambda store: store.reset(ref, by=by))

    def attempts(
        self, *, since: float = 0.0, model: str | None = None, run_id: str | None = None, limit: int | None = None
    ) -> Iterator[Attempt]:
        """Yield attempts, oldest first (the newest `limit` of them)."""
        return self._do(lambda store: store.attempts(since=since, model=model, run_id=run_id, limit=limit))

    def transitions(
        self, *, since: float = 0.0, model: str | None = None, limit: int | None = None
    ) -> list[Transition]:
        """Return changes of status, oldest first (the newest `limit` of them)."""
        return self._do(lambda store: store.transitions(since=since, model=model, limit=limit))

    def counters(self) -> list[Counter]:
        """Return the totals for the metrics."""
        return self._do(lambda store: store.counters())

    def hours(self, *, since: float, model: str | None = None) -> list[tuple[float, Counter]]:
        """Return hourly totals (the hour's first instant, totals), for the history."""
        return self._do(lambda store: store.hours(since=since, model=model))

    def fallbacks(self) -> dict[tuple[str, str, str], int]:
        """Return hand-overs by (phase, from, to)."""
        return self._do(lambda store: store.fallbacks())

    def save_run(self, run: Run) -> None:
        """Insert or replace a run."""
        self._do(lambda store: store.save_run(run))

    def runs(self, *, limit: int = 20) -> list[Run]:
        """Return the last runs, newest first."""
        return self._do(lambda store: store.runs(limit=limit))

    def run(self, id_prefix: str) -> Run | None:
        """Return one run by its id or an unambiguous beginning of it."""
        return self._do(lambda store: store.run(id_prefix))

    def decisions(self, run_id: str) -> list[StoredDecision]:
        """Return a run's decisions in order."""
        return self._do(lambda store: store.decisions(run_id))

    def save_result(self, result: PhaseResult) -> None:
        """Store a finished call's answer."""
        self._do(lambda store: store.save_result(result))

    def results(self, key: str) -> list[PhaseResult]:
        """Return the answers stored under a key, newest first."""
        return self._do(lambda store: store.results(key))

    def run_results(self, run_id: str) -> list[PhaseResult]:
        """Return the answers that a run made, oldest first."""
        return self._do(lambda store: store.run_results(run_id))

    def prune(self, *, keep_days: int, steps: int = 1) -> int:
        """Roll up and drop old attempts in small steps; return how many went."""
        return self._do(lambda store: store.prune(keep_days=keep_days, steps=steps))

    def meta(self, name: str, value: Any = None) -> Any:
        """Read a small remembered value (JSON), or write it where one is given."""
        return self._do(lambda store: store.meta(name, value))

    def news(self) -> int | None:
        """Return a descriptor that can be read once another process has changed a status, if there is one."""
        return self._do(lambda store: store.news())

    def check(self) -> list[str]:
        """Return what is wrong with the stored state, in sentences; empty when sound."""
        return self._do(lambda store: store.check())

    def backup(self, path: str) -> None:
        """Write a consistent copy (0600) to a new file; raises StoreUnusable where that is impossible."""
        self._do(lambda store: store.backup(path))
