"""Clients by place: each is lent to one request at a time and kept for the next one to the same place."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

from archfb.providers.proxies import proxy_for

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

IDLE_CLIENTS = 256
"""Unused clients kept for one place."""
CLOSING = 0.5
"""Seconds that closing a connection may take before it is left to itself."""


class TrustError(Exception):
    """The certificates that a variable names cannot be read."""


class Closing(Protocol):
    """Anything with connections to close."""

    async def aclose(self) -> None:
        """Close them."""


C = TypeVar("C", bound=Closing)


class Place(NamedTuple, Generic[C]):
    """Where an address is reached: by TLS or not, through which proxy, and the clients that are not lent."""

    secure: bool
    proxy: str | None
    waiting: list[C]


class Clients(Generic[C]):
    """Lends clients; `make` gets whether TLS will be spoken and the proxy's address, if there is one."""

    def __init__(self, make: Callable[[bool, str | None], C], environ: Mapping[str, str]) -> None:
        """Hold no client yet."""
        self._make, self._environ = make, environ
        self._idle: dict[tuple[str, str | None], list[C]] = {}
        self._places: dict[str, Place[C]] = {}
        self._open = True

    def proxy(self, url: str) -> str | None:
        """Return the proxy of an address; the variables are looked at once for each."""
        return self._place(url).proxy

    def _place(self, url: str) -> Place[C]:
        found = self._places.get(url)
        if found is None:
            parts, proxy = urlsplit(url), proxy_for(url, self._environ)
            secure = parts.scheme == "https" or (proxy or "").startswith("https")
            waiting = self._idle.setdefault((f"{parts.scheme}://{parts.netloc}", proxy), [])
            found = self._places[url] = Place(secure, proxy, waiting)
        return found

    def take(self, url: str) -> C:
        """Return a client for one request to an address; it must be given back, or closed where that failed."""
        place = self._place(url)
        return place.waiting.pop() if place.waiting else self._make(place.secure, place.proxy)

    async def give_back(self, url: str, client: C) -> None:
        """Keep a client for the next request."""
        waiting = self._place(url).waiting
        if self._open and len(waiting) < IDLE_CLIENTS:
            waiting.append(client)
        else:
            await close(client)

    async def aclose(self) -> None:
        """Close every client that is not lent; those that are follow when they come back."""
        self._open = False
        clients = [client for several in self._idle.values() for client in several]
        for several in self._idle.values():
            several.clear()
        for client in clients:
            await close(client)


async def close(client: Closing) -> None:
    """Close a client, whatever state its connection is in."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSING):
            await client.aclose()


def nobody_trusted() -> ssl.SSLContext:
    """Return a TLS context for where none is spoken but the library wants one."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Trust:
    """The certificates to trust, read when they are first needed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read nothing yet."""
        self._environ = environ
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Return the TLS context, whose loading takes 20 ms.

        SSL_CERT_FILE, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_DIR name the certificates, else certifi's
        count. Raises TrustError.
        """
        if self._context is None:
            self._context = self._read()
        return self._context

    def _read(self) -> ssl.SSLContext:
        import ssl

        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
        name = next((one for one in names if self._environ.get(one)), None)
        if name is None:
            import certifi

            return ssl.create_default_context(cafile=certifi.where())
        path = self._environ[name]
        try:
            if name == "SSL_CERT_DIR":
                return ssl.create_default_context(capath=path)
            return ssl.create_default_context(cafile=path)
        except (OSError, ssl.SSLError) as error:
            why = getattr(error, "strerror", None) or "it holds no certificate"
            raise TrustError(f"{name} '{path}' cannot be used: {why}.") from None
