"""The public door for programs: ask, explain, probe and report over one memory."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from archfb.config.model import Config
from archfb.errors import UsageError
from archfb.events import Note
from archfb.providers.exchange import Question
from archfb.routing.call import Call
from archfb.routing.continuation import continued
from archfb.routing.desk import Desk, nobody
from archfb.routing.plan import Request
from archfb.routing.roster import chain_members, roster

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from archfb.events import Observer
    from archfb.probing.round import ProbeResult
    from archfb.routing.answer import Answer
    from archfb.routing.continuation import Build
    from archfb.routing.table import StatusTable
    from archfb_state.decisions import Decision
    from archfb_state.settings import Strategy
    from archfb_state.store import Store

LAST_LOOK = 0.2
"""Seconds that free probes under way may still take when the router closes: cancelled connections leak sockets."""


class Router:
    """Routes calls through chains of models by their remembered health; safe for many concurrent `ask`s."""

    def __init__(self, desk: Desk) -> None:
        """Wrap what `open` made; programs use `Router.open`."""
        self.desk = desk
        self._ahead: list[Future[list[ProbeResult]]] = []
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        config: str | Path | Config | None = None,
        state: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        observe: Observer = nobody,
        run_id: str | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        store: Store | None = None,
    ) -> AsyncIterator[Router]:
        """Open configuration, memory and transport, and close them again.

        `config` is a path or a loaded configuration (default: the layers), `state` the state file.
        Raises ConfigurationError (a proxy variable that is no URL is one too) and StateError.
        """
        import asyncio
        import random

        from archfb.providers.transport import Transport

        variables = os.environ if environ is None else environ
        refuse_bad_proxies(variables)
        loaded = config if isinstance(config, Config) else load_config(config, variables)
        memory = store if store is not None else open_store(loaded, state, variables)
        try:
            members = roster(loaded, variables, memory.salt)
            async with Transport(environ=variables, now=memory.now) as transport:
                pause = sleep or asyncio.sleep
                chance = random.Random()  # noqa: S311 - spreads load, guards nothing
                router = cls(Desk(loaded, memory, members, transport, chance, pause, observe, run_id))
                try:
                    yield router
                finally:
                    router._closed = True
                    await router._stop_looking()
        finally:
            if store is None:
                memory.close()

    @property
    def config(self) -> Config:
        """Return the effective configuration."""
        return self.desk.config

    @property
    def store(self) -> Store:
        """Return the memory."""
        return self.desk.store

    @property
    def run_id(self) -> str | None:
        """Return the run that attempts and decisions belong to."""
        return self.desk.run_id

    async def ask(
        self,
        phase: str,
        prompt: str | Question = "",
        *,
        model: str | None = None,
        role: str = "ask",
        build: Callable[[int | None], Question] | None = None,
        strategy: Strategy | None = None,
        deadline: float | None = None,
        files: int = 0,
        languages: int = 0,
        deep: bool = False,
        only_providers: Iterable[str] = (),
        not_providers: Iterable[str] = (),
        offline_only: bool = False,
        continues: bool = True,
    ) -> Answer:
        """Ask one question of a phase's chain and return its answer; a failed call is an answer that is not ok.

        `build` makes the question for the input tokens that a candidate's window leaves (None: unknown), for
        prompts that can be made smaller. `deadline` is seconds for the whole call. An answer that was cut at the
        output limit is continued once by the same model, unless `continues` is false.
        Raises UsageError for an unknown phase or model and after the router was closed, and CancelledError when
        cancelled.
        """
        if self._closed:
            raise UsageError("This router is closed.", hint="Ask inside `async with Router.open(…) as router`.")
        question = Question(prompt) if isinstance(prompt, str) else prompt
        make = build or (lambda _: question)
        first = make(None)
        request = Request(
            phase,
            first.chars,
            files,
            languages,
            deep,
            first.max_output_tokens,
            model,
            strategy,
            frozenset(only_providers),
            frozenset(not_providers),
            offline_only,
            shrinks=build is not None,
        )
        until = self.desk.clock() + (self.config.routing.deadline if deadline is None else deadline)

        async def go_on(build: Build, by: str) -> Answer:
            self.desk.observe(Note(f"{by} stopped at its output limit: asked once to go on", 1))
            longer = request._replace(chars=build(None).chars, model=by)
            return await Call(self.desk, longer, build, until, role).run()

        answer = await Call(self.desk, request, make, until, role).run()
        return await continued(answer, make, go_on) if continues else answer

    def route(
        self, phase: str, *, context_chars: int = 0, model: str | None = None, files: int = 0, languages: int = 0
    ) -> Decision:
        """Explain who would be asked now, and why; nothing is asked and nothing is remembered."""
        request = Request(phase, context_chars, files, languages, model=model)
        chain_members(self.config, self.desk.members, phase, model)
        return self.desk.choose(request, self.store.snapshot(), {})[0]

    async def probe(
        self,
        all: bool = False,  # noqa: A002 - the name that users of the Python interface know
        *,
        models: Iterable[str] | None = None,
        phase: str | None = None,
    ) -> list[ProbeResult]:
        """Probe what is due (`all`: everything), record it, and return one result per probe."""
        from archfb.probing.round import probe_round

        return await probe_round(self.desk, everything=all, models=models, phase=phase)

    def look_ahead(self, phases: Iterable[str]) -> None:
        """Start the free probes that are due for some phases' chains, and do not wait for them.

        What they find informs the choices made after they end; closing the router stops those still going.
        """
        import asyncio

        from archfb.probing.round import probe_round

        models = dict.fromkeys(name for phase in phases for name in self.config.chains[phase])
        self._ahead.append(asyncio.ensure_future(probe_round(self.desk, models=models, free=True)))

    async def _stop_looking(self) -> None:
        import asyncio

        looking: list[Future[Any]] = [*self._ahead, *self.desk.trials]
        if looking:
            await asyncio.wait(looking, timeout=LAST_LOOK)
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)

    def status(self, named: Iterable[str] = ()) -> StatusTable:
        """Return the health of every model that a chain names, and of those `named` here."""
        from archfb.routing.table import status_table

        return status_table(self.config, self.desk.members, self.store.snapshot(), named)


def load_config(path: str | Path | None, environ: Mapping[str, str]) -> Config:
    """Return the effective configuration of this process."""
    from archfb.config.folders import working_folder
    from archfb.config.load import load

    return load(None if path is None else str(path), environ=environ, cwd=working_folder())


def refuse_bad_proxies(environ: Mapping[str, str]) -> None:
    """Raise ConfigurationError where a proxy variable holds no URL, which every request would fail on."""
    from archfb.config.urls import proxy_problems
    from archfb.errors import ConfigurationError

    problems = proxy_problems(environ)
    if problems:
        raise ConfigurationError(problems, hint="Write http://host:port, or unset it.")


def open_store(config: Config, state: str | None, environ: Mapping[str, str]) -> Store:
    """Return the memory that the configuration, the environment or `state` names. Raises StateError."""
    from archfb.config.load import sharing, state_path
    from archfb.errors import StateError
    from archfb_state.storage.opening import open_state
    from archfb_state.store import StoreUnusable

    path, explicit = state_path(state, config, environ)
    try:
        return open_state(path, explicit=explicit, **sharing(config, environ))
    except StoreUnusable as error:
        raise StateError(str(error)) from error
