"""The probes of a watch: what is due, when, and one round at a time beside whatever is shown."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from archfb.errors import ArchfbError
from archfb_state.core.due import due_at
from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from archfb.config.model import Config
    from archfb.probing.round import ProbeResult
    from archfb.routing.roster import Member, Roster
    from archfb_state.records import Snapshot

AGAIN = 60.0
"""Seconds until a model is asked again whose last probe settled nothing (no budget left, this machine offline …)."""

AWAKE = 10.0
"""Seconds after a sleep before anything is probed: a network takes as long to come back."""


def able(config: Config, members: Roster, names: Collection[str]) -> list[Member]:
    """Return the models that a probe may ask, of those named: with a key where one is needed."""
    found = [members[name] for name in config.chained if name in names]
    return [one for one in found if not one.offline and one.missing is None and one.model.probe != "none"]


def leased(members: Sequence[Member], rows: Snapshot) -> frozenset[str]:
    """Return the models that some process is probing now."""
    return frozenset(
        one.model.name
        for one in members
        if f"probe:{one.ref.deployment}" in rows.leases or f"trial:{one.ref.deployment}" in rows.leases
    )


class Round(NamedTuple):
    """A round that has ended: what it found, or why it failed; `started_at` is Unix seconds."""

    started_at: float
    results: Sequence[ProbeResult]
    failure: str | None = None


class Prober:
    """Probes what is due, one round at a time; `probe` makes a round and gives None where another one is running."""

    def __init__(
        self,
        config: Config,
        probe: Callable[[Sequence[str], bool], Awaitable[Sequence[ProbeResult] | None]],
        *,
        everything: bool = False,
        jitter: Callable[[], float] = lambda: 0.0,
        monotonic: Callable[[], float],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep how to probe. `everything` is for the first round; `jitter` gives seconds that a round is put off."""
        self._config = config
        self._probe = probe
        self._everything = everything
        self._jitter = jitter
        self._monotonic = monotonic
        self._on_end = on_end
        self._task: asyncio.Future[Sequence[ProbeResult] | None] | None = None
        self._asked: list[str] = []
        self._started_at = 0.0
        self._start_at: float | None = None
        self._not_before: dict[str, float] = {}
        self._last_end = monotonic()

    @property
    def busy(self) -> bool:
        """Whether a round is going on."""
        return self._task is not None

    def next_at(self, members: Sequence[Member], rows: Snapshot) -> dict[str, float]:
        """Return when each model is probed next (Unix seconds)."""
        settings, now, ticks = self._config.settings, rows.at, self._monotonic()
        found = {}
        for one in members:
            wait = max(0.0, self._not_before.get(one.ref.deployment, 0.0) - ticks)
            found[one.model.name] = max(due_at(one.ref, rows, settings, now), now + wait)
        return found

    def put_off(self, members: Sequence[Member], seconds: float = AWAKE) -> None:
        """Probe nothing for so long."""
        until = self._monotonic() + seconds
        for one in members:
            self._not_before[one.ref.deployment] = max(until, self._not_before.get(one.ref.deployment, 0.0))

    def start(self, members: Sequence[Member], rows: Snapshot, next_at: Mapping[str, float]) -> None:
        """Begin a round, if one is due, nobody else has begun it and none is going on."""
        if self._task is not None:
            return
        busy = leased(members, rows)
        due = [one for one in members if (self._everything or next_at[one.model.name] <= rows.at)]
        due = [one for one in due if one.model.name not in busy]
        if not due:
            self._start_at = None
            return
        if self._start_at is None:
            self._start_at = self._monotonic() + self._jitter()
        if self._monotonic() >= self._start_at:
            self._start_at = None
            self._asked = [one.ref.deployment for one in due]
            self._started_at = rows.at
            names = list({one.ref.deployment: one.model.name for one in reversed(due)}.values())[::-1]
            self._task = asyncio.ensure_future(self._probe(names, self._everything))
            self._task.add_done_callback(lambda _: self._on_end())

    def ended(self) -> Round | None:
        """Return the round that has ended since the last call; None too where another process was probing."""
        task = self._task
        if task is None or not task.done():
            return None
        self._task = None
        results, failure = _outcome(task)
        if results is None and failure is None:
            return None
        self._last_end = self._monotonic()
        self._everything = False
        return Round(self._started_at, results or (), failure)

    def idle(self, seconds: float) -> bool:
        """Say whether no round has ended for so long, and count from now."""
        now = self._monotonic()
        if self._task is not None or now - self._last_end < seconds:
            return False
        self._last_end = now
        return True

    def settle(self, members: Sequence[Member], rows: Snapshot) -> None:
        """Leave alone for a while what is still due although it was just asked."""
        until = self._monotonic() + min(AGAIN, self._config.health.interval)
        for one in members:
            if one.ref.deployment in self._asked and due_at(one.ref, rows, self._config.settings, rows.at) <= rows.at:
                self._not_before[one.ref.deployment] = until
        self._asked = []

    async def stop(self) -> None:
        """Give up the round that is going on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _outcome(
    task: asyncio.Future[Sequence[ProbeResult] | None],
) -> tuple[Sequence[ProbeResult] | None, str | None]:
    if task.cancelled():
        return (), "was cancelled"
    error = task.exception()
    if error is None:
        return task.result(), None
    if isinstance(error, ArchfbError | StoreBusy | StoreUnusable | sqlite3.Error | OSError):
        return (), str(error)
    raise error
