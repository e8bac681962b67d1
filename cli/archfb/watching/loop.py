"""The loop of a watch: look each second, probe what is due, show what changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from archfb.routing.roster import roster
from archfb.routing.table import status_table
from archfb.verdict import selected
from archfb.watching.rounds import able, leased
from archfb.watching.scene import Scene, begin, clock_note, follow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from archfb.config.model import Config
    from archfb.routing.roster import Member, Roster
    from archfb.routing.table import StatusTable
    from archfb.watching.memory import Look, Memory
    from archfb.watching.rounds import Prober, Round
    from archfb.watching.scene import Feed
    from archfb_state.records import Transition

SAID_FOR = 60.0
"""Seconds for which something that happened once is shown."""

SLEPT = 30.0
"""Seconds by which the wall clock has to run ahead of the monotonic one: this machine slept, or its clock was set."""


class Outlet(Protocol):
    """Where a watch is shown."""

    @property
    def leaving(self) -> bool:
        """Whether the person has had enough."""

    def show(self, scene: Scene, news: Sequence[Transition]) -> None:
        """Show the scene; `news` are the changes since the last one."""


class Afterwards(Protocol):
    """What follows a round: a file to refresh, somebody to tell."""

    def after(self, table: StatusTable, ended: Round) -> Sequence[str]:
        """Take note of a round; returns what went wrong."""

    def poll(self) -> Sequence[str]:
        """Go on with what takes time; returns what went wrong."""


class Selection:
    """The models that a watch is about: all, or those named and those of a phase."""

    def __init__(self, config: Config, models: Sequence[str], phase: str | None) -> None:
        """Keep the names."""
        self._models = tuple(models)
        self._phase = phase
        self._chains = config.chains

    def of(self, table: StatusTable) -> StatusTable:
        """Return the rows that are selected."""
        return selected(table, self._models, self._phase, self._chains)


class Watch:
    """One watch, second by second; `tick` is all of it but the waiting."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        memory: Memory,
        outlet: Outlet,
        *,
        title: str,
        selection: Selection,
        monotonic: Callable[[], float],
        prober: Prober | None = None,
        afterwards: Afterwards | None = None,
    ) -> None:
        """Keep what it looks at, who probes (nobody: it only looks) and where it is shown."""
        self._config = config
        self._environ = environ
        self._memory = memory
        self._outlet = outlet
        self._title = title
        self._selection = selection
        self._monotonic = monotonic
        self._prober = prober
        self._afterwards = afterwards
        self._feed: Feed | None = None
        self._members: tuple[bytes, Roster] | None = None
        self._latest = 0.0
        self._before: tuple[float, float] | None = None
        self._said: dict[str, float] = {}

    async def run(self, pause: Callable[[float, int | None], Awaitable[None]]) -> None:
        """Tick until the person leaves.

        `pause` waits so many seconds, or less when something happened or a descriptor can be read.
        """
        try:
            while not self._outlet.leaving:
                await pause(1.0 - self.tick() % 1.0, self._memory.news())
        finally:
            if self._prober is not None:
                await self._prober.stop()

    def tick(self) -> float:
        """Look, probe and show once; returns the time of it (Unix seconds)."""
        look = self._memory.look()
        members = self._roster(look.salt)
        whole = status_table(self._config, members, look.rows)
        table = self._selection.of(whole)
        asked = able(self._config, members, {one.name for one in table.models})
        self._clock(table.at, asked)
        next_at = self._round(look, whole, asked)
        self._tell(*look.told)
        if self._afterwards is not None:
            self._tell(*self._afterwards.poll())
        news = self._news(table, look)
        self._outlet.show(self._scene(table, look, asked, next_at), news)
        return table.at

    def _roster(self, salt: bytes) -> Roster:
        """Return the members, made anew only with another state's salt: keys are told apart by it."""
        if self._members is None or self._members[0] != salt:
            self._members = salt, roster(self._config, self._environ, salt)
        return self._members[1]

    def _clock(self, now: float, asked: Sequence[Member]) -> None:
        ticks = self._monotonic()
        if self._before is not None:
            ahead = (now - self._before[0]) - (ticks - self._before[1])
            if ahead > SLEPT:
                from archfb.views.phrases import duration

                self._tell(f"This machine slept, or its clock moved ahead, {duration(ahead)}.")
                if self._prober is not None:
                    self._prober.put_off(asked)
        self._before = now, ticks
        self._latest = max(self._latest, now)

    def _round(self, look: Look, table: StatusTable, asked: Sequence[Member]) -> dict[str, float]:
        """Take in a round that ended and begin one that is due; returns when each model is probed next."""
        prober = self._prober
        if prober is None:
            from archfb_state.core.due import due_at

            settings = self._config.settings
            return {one.model.name: due_at(one.ref, look.rows, settings, table.at) for one in asked}
        if look.there:
            ended = prober.ended()
            if ended is not None:
                prober.settle(asked, look.rows)
                self._ended(table, ended)
            elif prober.idle(self._config.health.interval):
                self._ended(table, None)
        next_at = prober.next_at(asked, look.rows)
        if look.there:
            prober.start(asked, look.rows, next_at)
        return next_at

    def _ended(self, table: StatusTable, ended: Round | None) -> None:
        from archfb.watching.rounds import Round

        if ended is not None and ended.failure is not None:
            self._tell(f"Probing failed: {ended.failure}")
        if ended is not None and any(one.held_back for one in ended.results):
            from archfb.probing.round import held_back

            self._tell(*held_back(ended.results))
        if self._afterwards is not None:
            self._tell(*self._afterwards.after(table, ended or Round(table.at, ())))

    def _tell(self, *sentences: str) -> None:
        for one in sentences:
            self._said[one] = self._monotonic() + SAID_FOR

    def _notes(self, table: StatusTable, look: Look) -> tuple[str, ...]:
        now = self._monotonic()
        self._said = {one: until for one, until in self._said.items() if until > now}
        clock = clock_note(table, self._latest)
        return tuple(dict.fromkeys([*look.notes, *([clock] if clock else []), *self._said]))

    def _news(self, table: StatusTable, look: Look) -> Sequence[Transition]:
        if self._feed is None:
            self._feed = begin(table, look.stored)
            return ()
        self._feed, news = follow(self._feed, table, look.stored)
        return news

    def _scene(self, table: StatusTable, look: Look, asked: Sequence[Member], next_at: Mapping[str, float]) -> Scene:
        feed = self._feed
        assert feed is not None
        return Scene(
            self._title,
            table,
            feed.since,
            next_at,
            leased(asked, look.rows),
            feed.history,
            sum(look.rows.in_flight.values()),
            self._prober is not None,
            self._notes(table, look),
        )


async def pausing(wake: asyncio.Event, seconds: float, news: int | None = None) -> None:
    """Wait so many seconds, or until somebody wakes the watch or a descriptor can be read."""
    loop = asyncio.get_running_loop()
    if news is not None:
        loop.add_reader(news, wake.set)
    try:
        async with asyncio.timeout(max(0.01, seconds)):
            await wake.wait()
    except TimeoutError:
        return
    finally:
        if news is not None:
            loop.remove_reader(news)
        wake.clear()
