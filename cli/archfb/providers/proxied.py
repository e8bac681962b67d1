"""Requests through a proxy: the HTTP library's business, which knows CONNECT, SOCKS and a proxy's own refusals.

It is loaded with the first such request, and named here alone: its maintained heir has the same interface.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

# Where click and rich are installed, httpx imports its own command line with them: 40 ms that nobody here uses.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402 - see above

from archfb.providers.connection import KEEP_ALIVE  # noqa: E402
from archfb.providers.http1 import ProtocolError  # noqa: E402
from archfb.providers.proxies import UNAUTHENTICATED  # noqa: E402
from archfb.providers.verdicts import Verdict  # noqa: E402
from archfb_state.outcomes import Outcome  # noqa: E402

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping


class Proxied:
    """Sends requests to one place through a proxy; `connection.Connection`'s interface."""

    def __init__(self, trust: ssl.SSLContext, proxy: str) -> None:
        """Connect to nothing yet."""
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE)
        self._transport = httpx.AsyncHTTPTransport(
            verify=trust, trust_env=False, limits=limits, proxy=httpx.Proxy(proxy), retries=0
        )

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, connect_s: float | None
    ) -> ProxiedResponse:
        """Send a request and return its response once the head is there. Raises the library's errors."""
        # The total time-out is the transport's; the library's would restart with every byte.
        times = {"timeout": {"connect": connect_s, "read": None, "write": None, "pool": None}}
        request = httpx.Request(method, url, headers=dict(headers), content=content, extensions=times)
        try:
            return ProxiedResponse(await self._transport.handle_async_request(request))
        except httpx.RemoteProtocolError as error:
            raise ProtocolError(str(error)) from error

    async def aclose(self) -> None:
        """Close the connection."""
        await self._transport.aclose()


class ProxiedResponse:
    """One response, as `connection.Response` is."""

    done = False
    """Only the end of its parts tells."""

    def __init__(self, response: httpx.Response) -> None:
        """Wrap the library's."""
        self._response = response
        self.status = response.status_code
        self.headers = dict(response.headers)

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the body as it was sent, still compressed. Raises ProtocolError and the library's errors."""
        try:
            async for part in self._response.stream:  # type: ignore[union-attr]
                yield part
        except httpx.RemoteProtocolError as error:
            raise ProtocolError(str(error)) from error

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._response.aclose()


def verdict(error: BaseException, host: str) -> Verdict | None:
    """Name what the library itself found wrong; None for what is not its own."""
    if isinstance(error, httpx.ConnectTimeout):
        return Verdict(Outcome.NETWORK, f"{host} did not answer in time to connect.", "connect_timeout")
    if isinstance(error, httpx.ProxyError):
        told = str(error)
        return Verdict(
            Outcome.NETWORK, UNAUTHENTICATED if told.startswith("407") else f"The proxy refused: {told}", "proxy"
        )
    if isinstance(error, (httpx.ReadError, httpx.WriteError)):
        return Verdict(Outcome.NETWORK, f"{host} closed the connection.", "reset")
    if isinstance(error, (httpx.LocalProtocolError, httpx.InvalidURL)):
        return Verdict(Outcome.INVALID_REQUEST, f"The request could not be made: {error}", "unsendable")
    if isinstance(error, httpx.TransportError):
        return Verdict(Outcome.NETWORK, f"Could not connect to {host}.", "refused")
    return None
