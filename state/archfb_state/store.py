"""What a memory must be able to do: the protocol that every store passes the same tests for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, ModelRef, Snapshot, Transition
    from archfb_state.settings import Settings

T = TypeVar("T")


class StoreBusy(Exception):
    """The store could not be locked within the patience given."""


class StoreUnusable(Exception):
    """The state cannot be used as it was asked for (a directory, another's file, a network disk …)."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one process to do one thing until it expires."""

    name: str
    token: str
    expires_at: float

    def is_on(self, deployment: str) -> bool:
        """Say whether it is the right to find out alone whether a deployment answers."""
        return self.name in {f"trial:{deployment}", f"probe:{deployment}"}


@dataclass(frozen=True, slots=True)
class Run:
    """One `run` of the program: one row of `runs`."""

    id: str
    started_at: float
    command: str
    repo: str | None = None
    phase: str | None = None
    ended_at: float | None = None
    ok: bool | None = None
    error: str | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """One finished call's answer: one row of `phase_results`, found again by its key."""

    key: str
    """Hash of phase, role, inputs and prompt version."""
    phase: str
    role: str
    model: str
    created_at: float
    text: str
    offline: bool = False
    offline_reason: str | None = None
    """Why the offline provider made it: no_model, unreadable or asked; None where a model made it."""
    run_id: str | None = None
    prompt_version: str = ""
    finish_reason: str | None = None
    attempts: int = 0
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One routing decision as it was made: one row of `decisions`."""

    at: float
    call_id: str
    run_id: str | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class Counter:
    """Totals of one (phase, model, outcome) since the state began; `reset` never touches them."""

    phase: str
    model: str
    outcome: str
    count: int
    seconds: float
    buckets: tuple[int, ...]
    """Attempts per histogram bucket (not cumulative), bounds in `BUCKETS`, one more for the rest."""
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    cost_usd: float


BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0)
"""Upper bounds in seconds of the latency histogram: fit for calls of 0.1 to 600 s."""


KEEP_SUMS = 400 * 86400.0
"""Seconds that hourly totals, changes of status and runs are kept."""


@dataclass(frozen=True, slots=True)
class Opened:
    """How opening went: what a person should be told, and whether anything will be saved."""

    path: str
    saving: bool = True
    notes: tuple[str, ...] = field(default=())


class Store(Protocol):
    """A memory shared by processes. Every method is one short transaction and safe from any process.

    `patience` (seconds, set at opening) bounds the wait for a lock; then `StoreBusy` is raised.
    """

    @property
    def opened(self) -> Opened:
        """Return how opening went; `saving` turns False, and a note is added, when saving fails later."""

    @property
    def salt(self) -> bytes:
        """Return the state's own salt, for fingerprints of keys."""

    def now(self) -> float:
        """Return the instant by the store's clock."""

    def snapshot(self) -> Snapshot:
        """Return everything that a decision reads."""

    def decide(
        self,
        slot: str,
        call_id: str,
        choose: Callable[[Snapshot, Credits], tuple[Decision, Credits]],
        *,
        run_id: str | None = None,
        expires_s: float = 600.0,
    ) -> Decision:
        """Choose within one transaction; remember the turn's credits, the decision, and the call in flight.

        `slot` is "phase/complexity". The in-flight row names the first of the order and expires by itself.
        """

    def moved(self, call_id: str, model: str | None) -> None:
        """Say that a call in flight is now at another model; None: it has ended."""

    def record(
        self,
        attempts: Sequence[Attempt],
        settings: Settings,
        *,
        refs: Iterable[ModelRef] = (),
        ended: str | None = None,
        lease: Lease | None = None,
    ) -> tuple[Transition, ...]:
        """Append attempts (an id already there changes nothing), move the records on, end a call in flight.

        `refs` are the configured models, so that presets sharing a deployment change status together. What was
        found out of a deployment under a `lease` that another has won since is kept, and moves no record.
        """

    def together(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """Do several things with this store, in one transaction where it can; what they return, in order.

        Whatever one of them raises undoes them all where they were one transaction.
        """

    def settle(self, settings: Settings, refs: Iterable[ModelRef]) -> tuple[Transition, ...]:
        """Write down changes of status that time alone brought (a hold that ended, evidence that aged)."""

    def learn(
        self,
        model: str,
        *,
        parameter: Mapping[str, str] | None = None,
        window: tuple[str, int] | None = None,
        token_ratio: float | None = None,
    ) -> None:
        """Remember a refused parameter, a deployment's true window, or an estimate's correction."""

    def limits(self, account: str, *, requests: int | None, tokens: int | None, reset_at: float | None) -> None:
        """Remember what an account has left."""

    def acquire(self, name: str, seconds: float, *, token: str | None = None) -> Lease | None:
        """Win a lease that nobody else holds unexpired (whoever has its token holds it), else return None."""

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that expired and was won by another is left alone."""

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
        """Reserve part of a budget ("day:2026-11-23", "probe:…", "run:…"); None where the limit would be passed.

        With the token of a reservation that is held already, that one is returned and nothing more is taken.
        """

    def spend(self, reservation: str, usd: float) -> None:
        """Settle a reservation with what was really spent."""

    def spent(self, budget: str) -> tuple[int, float]:
        """Return how many reservations a budget had, and the USD spent or still reserved."""

    def drain(self, model: str, *, by: str, why: str, until: float) -> None:
        """Take a model out by hand."""

    def undrain(self, model: str, *, by: str) -> bool:
        """Put it back; False where it was not drained."""

    def reset(self, ref: ModelRef, *, by: str) -> None:
        """Forget a model's record (its deployment's and account's too); counters and attempts stay."""

    def attempts(
        self,
        *,
        since: float = 0.0,
        model: str | None = None,
        run_id: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Attempt]:
        """Yield attempts, oldest first (the newest `limit` of them)."""

    def transitions(
        self, *, since: float = 0.0, model: str | None = None, limit: int | None = None
    ) -> list[Transition]:
        """Return changes of status, oldest first."""

    def counters(self) -> list[Counter]:
        """Return the totals for the metrics."""

    def hours(self, *, since: float, model: str | None = None) -> list[tuple[float, Counter]]:
        """Return hourly totals (the hour's first instant, totals), for the history."""

    def fallbacks(self) -> dict[tuple[str, str, str], int]:
        """Return hand-overs by (phase, from, to)."""

    def save_run(self, run: Run) -> None:
        """Insert or replace a run."""

    def runs(self, *, limit: int = 20) -> list[Run]:
        """Return the last runs, newest first."""

    def run(self, id_prefix: str) -> Run | None:
        """Return one run by its id or an unambiguous beginning of it."""

    def decisions(self, run_id: str) -> list[StoredDecision]:
        """Return a run's decisions in order."""

    def save_result(self, result: PhaseResult) -> None:
        """Store a finished call's answer."""

    def results(self, key: str) -> list[PhaseResult]:
        """Return the answers stored under a key, newest first."""

    def run_results(self, run_id: str) -> list[PhaseResult]:
        """Return the answers that a run made."""

    def prune(self, *, keep_days: int, steps: int = 1) -> int:
        """Roll up and drop old attempts in small steps; return how many went."""

    def meta(self, name: str, value: Any = None) -> Any:
        """Read a small remembered value (JSON), or write it where one is given."""

    def news(self) -> int | None:
        """Return a descriptor that can be read once another process has changed a status, if there is one.

        It is a hint, which the next reading from the store takes in; the descriptor may be another one after that.
        """

    def check(self) -> list[str]:
        """Return what is wrong with the stored state, in sentences; empty when sound."""

    def backup(self, path: str) -> None:
        """Write a consistent copy."""

    def close(self) -> None:
        """Let go of everything."""
