"""The way to the providers: proxies, and with `--network` whether their hosts can be reached; no key is sent."""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from archfb.diagnosis.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archfb.config.model import Config

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
PORTS = {"https": 443, "http": 80, "socks5": 1080, "socks5h": 1080}
PATIENCE = 10.0


class Door(NamedTuple):
    """Where to knock: a host and port, with TLS or not, and who is behind it."""

    host: str
    port: int
    tls: bool
    who: str


def proxies(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the proxy variables that are set, and those that are no URL."""
    from archfb.config.urls import proxy_problems, shown_url

    problems = proxy_problems(environ)
    for problem in problems:
        yield Finding("wrong", "proxy", problem, "Write http://host:port, or unset it.")
    told = [f"{name}={shown_url(value)}" for name in PROXIES if (value := proxy(environ, name))]
    if told and not problems:
        yield Finding("note", "proxy", f"Requests go through {', '.join(told)}.", "Unset it if that is not meant.")


def proxy(environ: Mapping[str, str], name: str) -> str:
    """Return what a proxy variable says, in either case."""
    return (environ.get(name.lower()) or environ.get(name) or "").strip()


def doors(config: Config) -> list[Door]:
    """Return the host of each provider that a chain needs, once."""
    found: dict[tuple[str, int], Door] = {}
    for name in config.chained:
        provider = config.providers[config.models[name].provider]
        parts = urlsplit(provider.base_url)
        if parts.hostname:
            port = parts.port or PORTS.get(parts.scheme, 443)
            found.setdefault(
                (parts.hostname, port), Door(parts.hostname, port, parts.scheme == "https", provider.name)
            )
    return list(found.values())


def reached(
    config: Config, environ: Mapping[str, str], knock: Callable[[Door], float] | None = None
) -> Iterator[Finding]:
    """Yield whether each provider's host answers; behind a proxy it is the proxy's host that is asked for."""
    behind = proxy(environ, "HTTPS_PROXY") or proxy(environ, "ALL_PROXY")
    if behind:
        yield Finding("note", "network", "Hosts are reached through the proxy: only the proxy itself was tried.")
    targets = [through(behind)] if behind else doors(config)
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield from pool.map(lambda door: tried(door, knock or opened), targets)


def through(url: str) -> Door:
    """Return the proxy's own door."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    port = parts.port or PORTS.get(parts.scheme, 8080)
    return Door(parts.hostname or "", port, parts.scheme == "https", "the proxy")


def opened(door: Door) -> float:
    """Connect, and shake hands where there is TLS; return the seconds. Raises OSError."""
    began = time.monotonic()
    with socket.create_connection((door.host, door.port), timeout=PATIENCE) as plain:
        if door.tls:
            with ssl.create_default_context().wrap_socket(plain, server_hostname=door.host):
                pass
    return time.monotonic() - began


def tried(door: Door, knock: Callable[[Door], float]) -> Finding:
    """Return how a host answered."""
    where = f"{door.host}:{door.port} ({door.who})"
    try:
        seconds = knock(door)
    except OSError as error:
        what, do = explained(error)
        return Finding("wrong", "network", f"{where} {what}.", do)
    how = "TLS" if door.tls else "TCP, not encrypted"
    return Finding("ok", "network", f"{where} answers ({how}, {seconds * 1000:.0f} ms).")


def explained(error: OSError) -> tuple[str, str]:
    """Return what went wrong with a connection, and what to do."""
    from datetime import UTC, datetime

    if isinstance(error, ssl.SSLCertVerificationError):
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"has a certificate that is not trusted: {error.verify_message}", f"The clock here says {now}."
    if isinstance(error, socket.gaierror):
        return "cannot be resolved", "Is this machine online, and its resolver right?"
    if isinstance(error, TimeoutError):
        return f"did not answer within {PATIENCE:g} s", "A firewall may drop it; is a proxy needed?"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections", "Is the port in base_url right, and the server running?"
    return f"cannot be reached: {error.strerror or error}", "Is this machine online?"
