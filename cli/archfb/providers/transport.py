"""The one door to HTTP.

Each request in flight has a connection of its own, kept for the next one to the same place: a shared pool that looks
through every request in flight at each step leaves 2 % of the throughput at 256 of them. Time-outs are
asyncio's, so that nothing a server does outlives them; redirects are refused, retries are off, and every size is
bounded.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Self

from archfb.config.urls import proxy_problems
from archfb.providers import offline
from archfb.providers.clients import Clients, Trust, nobody_trusted
from archfb.providers.connection import Connection
from archfb.providers.exchange import Reply
from archfb.providers.exchanging import Exchanging
from archfb.providers.names import Names
from archfb.providers.wires import WIRES
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.providers.exchange import Limits, Question, Target
    from archfb.providers.names import Resolve
    from archfb.providers.proxied import Proxied
    from archfb.providers.reading import Reading


class Transport:
    """Asks models over HTTP; an asynchronous context manager, safe for many asks at once."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        environ: Mapping[str, str] | None = None,
        resolve: Resolve | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Take the clocks (seconds; `wall` is Unix time here), the variables that name proxies and certificates, what
        looks up a host name (raising OSError), and the clock by which a date to come back at is read, if not `wall`.
        """
        self.clock, self.wall, self.now = clock, wall, now or wall
        self.environ = dict(os.environ if environ is None else environ)
        self.names = Names(clock, resolve)
        self.wrong_proxies = proxy_problems(self.environ)
        self._trust = Trust(self.environ)
        self.clients: Clients[Connection | Proxied] = Clients(self._client, self.environ)

    async def __aenter__(self) -> Self:
        """Open nothing yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self.clients.aclose()

    async def ask(
        self, target: Target, question: Question, limits: Limits, on_text: Callable[[], None] | None = None
    ) -> Reply:
        """Ask a model once and return how it ended; never raises but when cancelled.

        `on_text` is called when the first answer text arrives.
        """
        wire = WIRES.get(target.provider.api)
        if wire is None:
            return offline.answer(question)
        request = wire.request(target, question)
        thinks = target.model.reasoning not in (None, "disabled")
        idle = limits.total if thinks else limits.idle
        exchange = Exchanging(
            self, request, wire.read, limits.total, min(limits.connect, limits.total), idle, on_text
        )
        return (await exchange.run()).reply

    async def probe(self, target: Target, kind: str, limits: Limits) -> Reply:
        """Ask only to learn a model's health: "metadata" costs nothing, "completion" at most a few tokens."""
        from archfb.providers import probes

        if target.provider.api not in WIRES:
            return Reply(Outcome.OK, finish_reason="stop", model_reported="offline")
        if kind == "completion":
            return probes.completed(await self._completion(target, limits))
        return await self._metadata(target, limits)

    async def _completion(self, target: Target, limits: Limits) -> Reply:
        """Ask for a few tokens, once more without a parameter that is refused. What a probe learns is not for calls:
        they ask for more reasoning than it does.
        """
        from archfb.providers import probes

        began = self.clock()
        easier, question = probes.completion(target)
        reply = await self.ask(easier, question, limits)
        if reply.outcome is not Outcome.INVALID_REQUEST or reply.parameter is None:
            return reply
        learned = {**easier.learned, reply.parameter: reply.substitute or ""}
        left = max(0.05, limits.total - (self.clock() - began))
        return await self.ask(easier._replace(learned=learned), question, limits._replace(total=left))

    async def _metadata(self, target: Target, limits: Limits) -> Reply:
        from archfb.providers import probes

        began = self.clock()
        answered: Reply | None = None
        for step in probes.steps(target):
            left = max(0.05, limits.total - (self.clock() - began))
            got = await Exchanging(
                self, step.request, _read_nothing, left, min(limits.connect, left), left, None
            ).run()
            answered = probes.checked(step, target, got.reply, got.body)
            if not probes.goes_on(step, answered):
                break
        return answered or Reply(
            Outcome.INVALID_REQUEST, message="There is no free address to ask.", code="no_metadata"
        )

    def _client(self, secure: bool, proxy: str | None) -> Connection | Proxied:
        if proxy is None:
            return Connection(self._trust.context() if secure else None)
        from archfb.providers.proxied import Proxied

        return Proxied(self._trust.context() if secure else nobody_trusted(), proxy)


def _read_nothing(reading: Reading, body: Any) -> None:  # noqa: ARG001 - a wire's signature
    """Take in metadata: there is no answer text in it."""
    reading.known = True
