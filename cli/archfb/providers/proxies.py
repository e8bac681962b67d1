"""Which proxy a request goes through, as the usual variables say; `config.urls` tells those that are no URL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTING = ("refused", "no_route", "dns", "no_resolver", "connect_timeout")
"""Codes of failures to connect at all."""
UNAUTHENTICATED = "The proxy wants a user and a password (HTTP 407): write http://USER:PASSWORD@HOST:PORT."


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the proxy of one address, or None.

    Lower-case variables win; NO_PROXY exempts hosts and their subdomains.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if _exempt(host, parts.port, _read(environ, "no_proxy") or ""):
        return None
    found = _read(environ, f"{parts.scheme}_proxy") or _read(environ, "all_proxy")
    return (found if "://" in found else f"http://{found}") if found else None


def _read(environ: Mapping[str, str], name: str) -> str | None:
    # A CGI script's HTTP_PROXY is the visitor's "Proxy:" header.
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return environ.get(name, "").strip() or None
    return environ.get(name, "").strip() or environ.get(name.upper(), "").strip() or None


def shown(proxy: str) -> str:
    """Return a proxy's host and port, without the user and password that its address may have."""
    parts = urlsplit(proxy)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def who_failed(host: str, proxy: str, code: str | None) -> str:
    """Return whom a failure's message names: behind a proxy nothing else is ever connected to."""
    if code == "tls":
        return host
    return f"{shown(proxy)} (the proxy)" if code in CONNECTING else f"{host} (through the proxy {shown(proxy)})"


def _exempt(host: str, port: int | None, rules: str) -> bool:
    for rule in (one.strip().lower() for one in rules.split(",")):
        if rule == "*" or ("/" in rule and _within(host, rule)):
            return True
        name, _, only = (
            rule.removeprefix("[").replace("]", "").partition(":") if rule.count(":") == 1 else (rule, "", "")
        )
        name = name.strip("[]").removeprefix("*").lstrip(".")
        if name and (host == name or host.endswith("." + name)) and (not only or only == str(port)):
            return True
    return False


def _within(host: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
