"""Which addresses may be asked: https anywhere, http on loopback and private hosts, link-local never."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv6Address
    from urllib.parse import SplitResult

_PLAIN = re.compile(r"https://(?:[a-z][a-z0-9-]*\.)+[a-z]{2,}(?:/[A-Za-z0-9._~/-]*)?")
"""Addresses that need no second look, which are nearly all."""
_USERINFO = r"//[^/?#\s]*@"
_HOST = r"[a-z0-9_.-]{1,253}|\[[0-9a-f:.]+\]"
_NUMERIC = r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?"
_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test")
_METADATA = ("metadata.google.internal", "metadata.goog", "instance-data.ec2.internal")
REFUSING = "Refusing"
"""The first word of what is wrong with an address that is one, but may not be asked."""
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def url_problem(url: str, *, query: bool = False) -> str | None:
    """Return what is wrong with an address that is to be asked, or None: the end of a sentence, or one of refusal.

    With `query` it may have a query, as web hooks do.
    """
    if _PLAIN.fullmatch(url) and not url.startswith("https://metadata."):
        return None
    parts = _split(url)
    shape = "https://host[/path]"
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname:
        return f"must be {shape}; got {shown_url(url)}"
    if parts.username is not None or parts.password is not None:
        return f"must be {shape}; got {shown_url(url)} (password hidden)"
    if parts.fragment or url.endswith("#") or (not query and (parts.query or "?" in url)):
        return f"must be {shape}; got {shown_url(url)}, and neither '?' nor '#' may follow"
    return _host_problem(parts.scheme, parts.hostname)


def proxy_problems(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each proxy variable that holds no URL."""
    return [
        f"{name} '{shown_url(environ[name])}' is not a URL."
        for name in PROXY_VARIABLES
        if environ.get(name, "").strip()
        and not _proxy_ok(environ[name].strip())
        # A CGI script's HTTP_PROXY is the visitor's "Proxy:" header, and not used.
        and not (name == "HTTP_PROXY" and "REQUEST_METHOD" in environ)
    ]


def is_private(host: str) -> bool:
    """Return whether a host is this machine or one of a private network, by its name or address alone."""
    host = host.lower().rstrip(".")
    address = _address(host)
    if address is not None:
        return (address.is_loopback or address.is_private) and not _link_local(address)
    return host.endswith(_PRIVATE_ENDINGS) or "." not in host


def shown_url(url: str) -> str:
    """Return an address for a message: cleaned, without user, password, query and anything like a key."""
    from archfb.config.shown import looks_like_key
    from archfb.text import clean

    hidden = re.split(r"[?#]", re.sub(_USERINFO, "//…@", url[:400]))[0]
    hidden = "/".join("…" if looks_like_key(part) else part for part in hidden.split("/"))
    return clean(hidden, limit=120, one_line=True) + ("?…" if len(re.split(r"[?#]", url, maxsplit=1)) > 1 else "")


def _split(url: str) -> SplitResult | None:
    from urllib.parse import urlsplit

    if not url.isprintable() or not url.isascii() or any(char in ' \\"<>^`{|}' for char in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
        host = host[: -len(f":{parts.port}")] if parts.port is not None else host.removesuffix(":")
    except ValueError:
        return None
    return parts if re.fullmatch(_HOST, host) and parts.port != 0 else None


def _host_problem(scheme: str, host: str) -> str | None:
    host = host.lower().rstrip(".")
    address = _address(host)
    if address is None and re.fullmatch(_NUMERIC, host):
        return f"has the host {host}, which is no address"
    if host in _METADATA or (address is not None and _link_local(address)):
        return f"{REFUSING} link-local address {host}"
    if scheme == "http" and not is_private(host):
        return f"{REFUSING} plain http to {host}; only loopback and private hosts may be plain"
    return None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is, in any spelling that a resolver takes; of two in one the inner."""
    if ":" not in host and not re.fullmatch(_NUMERIC, host):
        return None
    import ipaddress
    import socket

    try:
        address = ipaddress.ip_address(host if ":" in host else socket.inet_aton(host))
    except (ValueError, OSError):
        return None
    carried = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return carried or address


def _link_local(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is link-local, or the one under which a cloud answers for its machines."""
    return address.is_link_local or str(address) == "fd00:ec2::254"


def _proxy_ok(url: str) -> bool:
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "http", url
        if not re.fullmatch(r"[^/]+:[0-9]{1,5}/?", url):
            return False
    parts = _split(f"{scheme}://{rest}")
    return parts is not None and scheme.lower() in _PROXY_SCHEMES and bool(parts.hostname)
