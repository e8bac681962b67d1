"""One HTTP exchange on its way, from a wire's request to a reply: it ends, whatever happens, by its name."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from archfb.providers.clients import TrustError, close
from archfb.providers.connection import address
from archfb.providers.http1 import NO_RESPONSE, ProtocolError
from archfb.providers.network import certificate_error, from_system
from archfb.providers.proxies import UNAUTHENTICATED, who_failed
from archfb.providers.reading import Reading
from archfb.providers.receiving import Receiver
from archfb.providers.replies import Scrubber, Timing, reply
from archfb.providers.verdicts import Verdict
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.providers.connection import Connection, Response
    from archfb.providers.exchange import HttpRequest, Reply
    from archfb.providers.proxied import Proxied, ProxiedResponse
    from archfb.providers.transport import Transport

_as_json = json.JSONEncoder(ensure_ascii=False).encode

SLACK = 0.05
"""Part of the idle limit by which it may come late: an answer of a thousand pieces sets few clocks then."""
HANDED_OVER = 0.05
"""Seconds that an answer has, which came just before its asker was cancelled, to be recorded and stored."""
GRACE = 0.25
"""Seconds for the end of a stream after its last event, so that its connection can be used again."""


class Exchanged(NamedTuple):
    """How one HTTP exchange ended, and the last JSON of its body."""

    reply: Reply
    body: Any


class Exchanging:
    """One request on its way: sent, received, timed, and turned into a reply whatever happens."""

    def __init__(
        self,
        transport: Transport,
        request: HttpRequest,
        read: Callable[[Reading, Any], None],
        total: float,
        connect: float,
        idle: float,
        on_text: Callable[[], None] | None,
    ) -> None:
        self.transport, self.request, self.read = transport, request, read
        self.total, self.connect, self.idle = total, connect, idle
        self.on_text = on_text
        self.where = address(request.url)
        self.host = self.where.host
        self.receiver: Receiver | None = None
        self.first_text_at: float | None = None
        self.ended_at: float | None = None
        self.sent = 0
        self.stopping: asyncio.Task[Any] | None = None
        self.status: int | None = None
        self.headers: dict[str, str] = {}

    async def run(self) -> Exchanged:
        """Return the end of it; only a cancellation gets through."""
        loop = asyncio.get_running_loop()
        began, total_at = self.transport.clock(), loop.time() + self.total
        verdict: Verdict | None = None
        scope = asyncio.timeout_at(total_at)
        try:
            async with scope:
                verdict = await self._talk(scope, total_at)
        except TimeoutError as error:
            idle = loop.time() < total_at - 0.001
            verdict = self._late(idle) if scope.expired() else await self._failed(error, total_at)
        except Exception as error:  # noqa: BLE001 - whatever a library raises, a call ends in a reply
            verdict = await self._failed(error, total_at)
        if self.stopping is not None:
            loop.call_later(HANDED_OVER, self.stopping.cancel)
        return self._result(verdict, began)

    async def _talk(self, scope: asyncio.Timeout, total_at: float) -> Verdict | None:
        """Send and receive; return a verdict only where the answer was not to be read."""
        if self.transport.wrong_proxies:
            return Verdict(Outcome.NETWORK, self.transport.wrong_proxies[0], "proxy")
        if self.transport.clients.proxy(self.request.url) is None:
            await self.transport.names.check(self.host, self.where.port)
        client = self.transport.clients.take(self.request.url)
        try:
            refused = await self._through(client, scope, total_at)
        except BaseException:
            await close(client)
            raise
        await self.transport.clients.give_back(self.request.url, client)
        return refused

    async def _through(self, client: Connection | Proxied, scope: asyncio.Timeout, total_at: float) -> Verdict | None:
        response = await client.send(*self._written(), min(self.connect, 0.95 * self.total))
        try:
            self.status, self.headers = response.status, response.headers
            if 300 <= self.status < 400:
                return _redirected(self.headers.get("location", ""), self.request.url)
            if self.status == 407:
                return Verdict(Outcome.NETWORK, UNAUTHENTICATED, "proxy")
            await self._receive(response, scope, total_at)
        finally:
            await response.aclose()
        return None

    async def _receive(self, response: Response | ProxiedResponse, scope: asyncio.Timeout, total_at: float) -> None:
        receiver = self.receiver = Receiver(self.read, response.status, self.headers)
        now = asyncio.get_running_loop().time
        idle_at = -math.inf
        if self._wants_stream():
            idle_at = now() + self.idle
            scope.reschedule(min(total_at, idle_at))
        async for data in response.parts():
            if receiver.feed(data):
                if not response.done and now() + self.idle > idle_at:
                    idle_at = now() + (1 + SLACK) * self.idle
                    scope.reschedule(min(total_at, idle_at))
                self._note_text(receiver)
            if receiver.ended:
                break
        else:
            receiver.finish()
            self._note_text(receiver)
        self.ended_at = self.transport.clock()
        if receiver.reading.done:
            await self._drained(response, scope)

    async def _drained(self, response: Response | ProxiedResponse, scope: asyncio.Timeout) -> None:
        """Read what follows the answer; a wish to stop is heard once the answer, which is paid, was handed over."""
        try:
            await _drain(response)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or scope.expired():
                raise
            task.uncancel()
            self.stopping = task

    def _wants_stream(self) -> bool:
        return bool((self.request.body or {}).get("stream")) or "alt=sse" in self.request.url

    def _note_text(self, receiver: Receiver) -> None:
        if self.first_text_at is None and receiver.reading.text:
            self.first_text_at = self.transport.clock()
            if self.on_text is not None:
                self.on_text()

    def _written(self) -> tuple[str, str, dict[str, str], bytes | None]:
        """Return method, address, headers and content."""
        request, body = self.request, self.request.body
        # A lone surrogate, which file names can bring in, has no UTF-8.
        content = None if body is None else _as_json(body).encode("utf-8", "replace")
        self.sent = len(content or b"")
        headers = {**request.headers, "accept": "*/*", "accept-encoding": _encodings(self._wants_stream())}
        return request.method, request.url, headers, content

    def _settled(self) -> bool:
        """Return whether what came already says how it ended: the end of the answer, or an error's status."""
        return self.receiver is not None and (self.receiver.reading.complete or self.receiver.status >= 400)

    def _late(self, idle: bool) -> Verdict | None:
        if self._settled():
            return None
        if idle:
            return Verdict(Outcome.TIMEOUT, f"No content for {self.idle:g} s; gave up.", "idle")
        told = "No whole answer" if self.receiver and self.receiver.reading.text else "No answer"
        return Verdict(Outcome.TIMEOUT, f"{told} within {self.total:g} s.", "total")

    async def _failed(self, error: BaseException, total_at: float) -> Verdict | None:
        """Return why the connection failed; None where all of the answer had come before."""
        if self._settled():
            return None
        refused = certificate_error(error)
        told = self._told(error, self.host)
        if refused is not None:
            return await self._dated(told, total_at)
        proxy = self.transport.clients.proxy(self.request.url)
        return told if proxy is None else self._told(error, who_failed(self.host, proxy, told.code))

    def _told(self, error: BaseException, who: str) -> Verdict:
        return from_system(error, who) or _from_http(error, who, begun=self.status is not None)

    async def _dated(self, told: Verdict, total_at: float) -> Verdict:
        """Add to a refused certificate when it was valid, if that can be learned in the time left."""
        from datetime import UTC, datetime

        from archfb.providers import certificates

        left = min(2.0, total_at - asyncio.get_running_loop().time())
        proxy = self.transport.clients.proxy(self.request.url)
        der: bytes | None = None
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(max(0.0, left)):
                der = await certificates.fetch(self.host, self.where.port, proxy)
        dates = certificates.validity(der) if der else None
        now = datetime.fromtimestamp(self.transport.wall(), UTC)
        return Verdict(told.outcome, certificates.sentence(self.host, dates, told.message, now), told.code)

    def _result(self, verdict: Verdict | None, began: float) -> Exchanged:
        now, receiver = self.transport.now(), self.receiver
        ended = self.ended_at if self.ended_at is not None and verdict is None else self.transport.clock()
        streamed = receiver is not None and receiver.streamed
        first = self.first_text_at if streamed else None
        timing = Timing(1000 * (ended - began), None if first is None else 1000 * (first - began))
        reading = receiver.reading if receiver else Reading()
        if verdict is None:
            verdict = receiver.verdict(now) if receiver else Verdict(Outcome.NETWORK, "No answer.", "internal")
        if self.status == 413:
            verdict = replace(verdict, message=f"Request is {self.sent / 1e6:.1f} MB. {verdict.message}")
        scrub = Scrubber(self.request)
        made = reply(verdict, reading, self.headers, timing, scrub, status=self.status, streamed=streamed, now=now)
        return Exchanged(made, receiver.body if receiver else None)


def _encodings(streams: bool) -> str:
    # Compressing a stream would hold its events back.
    return "identity" if streams else "gzip, deflate"


async def _drain(response: Response | ProxiedResponse) -> None:
    """Read what is left after the last event, so that the connection can be used again; give up soon."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(GRACE):
            left = 65_536
            async for data in response.parts():
                left -= len(data)
                if left < 0:
                    return


def _redirected(location: str, url: str) -> Verdict:
    """Refuse a redirect: the key would go where nobody configured it to go."""
    where = urlsplit(location)
    host = where.hostname or urlsplit(url).hostname or "an unnamed place"
    return Verdict(Outcome.NETWORK, f"Refused redirect to {host} (keys are not sent on).", "redirect")


def _from_http(error: BaseException, host: str, *, begun: bool) -> Verdict:
    """Name what HTTP itself, or the library that speaks to proxies, found wrong."""
    told = str(error)
    if isinstance(error, TrustError):
        return Verdict(Outcome.NETWORK, told, "tls")
    if isinstance(error, ProtocolError):
        return _protocol(told, host, begun=begun)
    proxied = sys.modules.get("archfb.providers.proxied")
    named: Verdict | None = proxied.verdict(error, host) if proxied else None
    if named is not None:
        return named
    if isinstance(error, OSError):
        return Verdict(Outcome.NETWORK, f"Could not connect to {host}.", "refused")
    if isinstance(error, ImportError):
        return Verdict(Outcome.NETWORK, "A SOCKS proxy needs a package more: pip install socksio.", "proxy")
    if isinstance(error, ValueError):
        return Verdict(Outcome.INVALID_REQUEST, f"The request could not be made: {told}", "unsendable")
    return Verdict(Outcome.NETWORK, f"The request failed ({type(error).__name__}).", "internal")


def _protocol(told: str, host: str, *, begun: bool) -> Verdict:
    if told == NO_RESPONSE:
        return Verdict(Outcome.NETWORK, f"{host} closed the connection without an answer.", "reset")
    if begun:
        return Verdict(
            Outcome.MALFORMED, "The answer was cut off: the connection ended before the answer did.", "cut_off"
        )
    return Verdict(Outcome.MALFORMED, f"{host} does not speak HTTP as it should ({told}).", "wrong_protocol")
