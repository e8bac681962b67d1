"""`archfb health --watch` and `archfb status --watch`: the table, live."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from archfb.errors import UsageError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from archfb.config.model import Config
    from archfb.probing.round import ProbeResult
    from archfb.routing.table import StatusTable
    from archfb.session import Session
    from archfb.watching.loop import Outlet, Watch
    from archfb.watching.memory import KeptMemory
    from archfb.watching.rounds import Prober
    from archfb_state.store import Store

PATIENCE = 2.0
"""Seconds that the screen may stand still for another process that holds the state."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a watch was asked for."""

    models: Sequence[str] = field(default_factory=tuple)
    phase: str | None = None
    json: bool = False
    everything: bool = False
    jitter: float = 0.0
    lock: Literal["skip", "wait", "fail"] = "skip"
    textfile: str | None = None
    serve: str | None = None


def with_interval(config: Config, interval: float | None) -> Config:
    """Return the configuration with another probing interval (seconds). Raises UsageError."""
    if interval is None:
        return config
    from archfb.config.kinds import problem_of
    from archfb.config.schema import HEALTH

    wrong = problem_of(HEALTH["interval"], interval)
    if wrong is not None:
        raise UsageError(wrong.sentence("--interval"))
    return replace(config, health=replace(config.health, interval=interval))


def look_on(session: Session, config: Config, *, json: bool) -> int:
    """Watch the stored state until the person leaves; no socket is opened. Returns the exit code."""
    from archfb.config.load import sharing
    from archfb.watching.loop import Selection
    from archfb.watching.loop import Watch as Loop
    from archfb.watching.memory import PeekedMemory
    from archfb_state.storage.opening import peek

    memory = PeekedMemory(session.state_path(config)[0], partial(peek, **sharing(config, session.environ)))

    def watch(outlet: Outlet, _: Callable[[], None]) -> Watch:
        return Loop(
            config,
            session.environ,
            memory,
            outlet,
            title="archfb status",
            selection=Selection(config, (), None),
            monotonic=time.monotonic,
        )

    try:
        return until_left(session, watch, json=json)
    finally:
        memory.close()


def probe_on(session: Session, config: Config, wishes: Wishes) -> int:
    """Watch and probe what is due, until the person leaves. Returns the exit code."""
    from archfb.commands.table import verdict_of
    from archfb.metrics.serve import address, pages, serving
    from archfb.watching.loop import Selection
    from archfb.watching.loop import Watch as Loop
    from archfb.watching.memory import KeptMemory

    path = session.state_path(config)[0]
    where = None if wishes.serve is None else address(wishes.serve)
    served: AbstractContextManager[Any] = (
        nullcontext() if where is None else serving(where, pages(config, path, session.environ, verdict_of))
    )
    store = opened(session, config)
    try:
        memory = KeptMemory(path, store, patience=config.health.interval, monotonic=time.monotonic)
        following = afterwards(session, config, store, wishes)

        def watch(outlet: Outlet, wake: Callable[[], None]) -> Watch:
            return Loop(
                config,
                session.environ,
                memory,
                outlet,
                title="archfb health",
                selection=Selection(config, wishes.models, wishes.phase),
                monotonic=time.monotonic,
                prober=prober(session, config, memory, wishes, wake),
                afterwards=following,
            )

        with served as listening:
            if listening is not None:
                session.note(f"Metrics at http://{listening}/metrics.")
            code = until_left(session, watch, json=wishes.json)
        for note in following.finish():
            session.note(note)
        return code
    finally:
        session.close(store)


def opened(session: Session, config: Config) -> Store:
    """Open the state to write to it; what comes up later is shown by the watch."""
    from archfb.config.load import sharing
    from archfb_state.storage.opening import open_state

    path, explicit = session.state_path(config)
    return open_state(path, explicit=explicit, patience=PATIENCE, **sharing(config, session.environ))


def afterwards(session: Session, config: Config, store: Store, wishes: Wishes) -> Any:
    """Return what follows each round."""
    from archfb.commands.metrics import export
    from archfb.commands.telling import begin
    from archfb.watching.afterwards import AfterRounds

    def telling(table: StatusTable, started_at: float) -> Any:
        return begin(session, config, store, table, started_at)

    file = wishes.textfile
    return AfterRounds(store, export=None if file is None else lambda: export(session, config, file), begin=telling)


def prober(session: Session, config: Config, memory: KeptMemory, wishes: Wishes, wake: Callable[[], None]) -> Prober:
    """Return who makes the probes."""
    import random

    from archfb.eventlog import observers
    from archfb.probing.lock import probe_lock
    from archfb.watching.rounds import Prober

    observe: Any = observers(session)
    path = session.state_path(config)[0]
    on_locked: Literal["skip", "fail"] = "fail" if wishes.lock == "fail" else "skip"

    async def probe(names: Sequence[str], everything: bool) -> Sequence[ProbeResult] | None:
        from archfb.routing.router import Router

        with probe_lock(path, on_locked) as other:
            if other is not None:
                return None
            async with Router.open(config, environ=session.environ, store=memory.store, observe=observe) as router:
                return await router.probe(everything, models=names)

    return Prober(
        config,
        probe,
        everything=wishes.everything,
        jitter=lambda: random.uniform(0, wishes.jitter),  # noqa: S311 - spreading load, not secrecy
        monotonic=time.monotonic,
        on_end=wake,
    )


def until_left(session: Session, make: Callable[[Outlet, Callable[[], None]], Watch], *, json: bool) -> int:
    """Run a watch and return its exit code; a signal is the usual way to end one, and nothing to report."""
    try:
        session.run(shown(session, make, json=json))
    except KeyboardInterrupt:
        return session.signals.exit_code or 130
    return 0


async def shown(session: Session, make: Callable[[Outlet, Callable[[], None]], Watch], *, json: bool) -> None:
    """Run a watch where stdout leads: on a terminal's screen, else line by line."""
    import asyncio
    from functools import partial

    from archfb.watching.loop import pausing
    from archfb.watching.terminal import Lines, is_capable

    wake = asyncio.Event()
    with ExitStack() as stack:
        if json or not is_capable(sys.stdout, session.environ):
            outlet: Any = Lines(sys.stdout, json=json, say=partial(say_once, session))
        else:
            outlet = on_screen(stack, wake)
        await make(outlet, wake.set).run(partial(pausing, wake))


def on_screen(stack: ExitStack, wake: asyncio.Event) -> Outlet:
    """Return a screen that has taken the terminal over until the stack is left."""
    import asyncio

    from archfb.output import console
    from archfb.watching.terminal import Listening, Screen, keys_from

    keys = keys_from()
    screen = stack.enter_context(Screen(sys.stdout, keys, console(), wake.set))
    stack.enter_context(Listening(screen, keys, asyncio.get_running_loop()))
    return screen


def say_once(session: Session, note: str) -> None:
    """Say a note that leaving would say otherwise."""
    if note not in session.told:
        session.told.append(note)
        session.warn(note)


def refuse(asked: dict[str, bool], reason: str) -> None:
    """Raise UsageError for the first option that was given although it cannot be."""
    for name, given in asked.items():
        if given:
            raise UsageError(f"{name} {reason}")
