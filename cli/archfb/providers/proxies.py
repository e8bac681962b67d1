"""Which proxy a request goes through, as the usual variables say; `config.urls` tells those that are no URL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def _exempt(host: str, port: int | None, rules: str) -> bool:
    for rule in (one.strip().lower() for one in rules.split(",")):
        if rule == "*":
            return True
        name, _, only = (
            rule.removeprefix("[").replace("]", "").partition(":") if rule.count(":") == 1 else (rule, "", "")
        )
        name = name.strip("[]").removeprefix("*").lstrip(".")
        if name and (host == name or host.endswith("." + name)) and (not only or only == str(port)):
            return True
    return False
