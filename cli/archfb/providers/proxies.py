"""Which proxy a request goes through, as the usual variables say.

Pure, so that a wrong variable can be told at the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES = ("https_proxy", "http_proxy", "all_proxy")
SCHEMES = ("http", "https", "socks5", "socks5h")


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


def proxy_problem(environ: Mapping[str, str]) -> str | None:
    """Return a sentence on the first proxy variable that is no URL (a password in it hidden), or None."""
    for name in VARIABLES:
        value = _read(environ, name)
        if value and not _valid(value):
            return f"{name.upper()} '{_without_password(value)}' is not a URL."
    return None


def _read(environ: Mapping[str, str], name: str) -> str | None:
    # A CGI script's HTTP_PROXY is the visitor's "Proxy:" header.
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return environ.get(name, "").strip() or None
    return environ.get(name, "").strip() or environ.get(name.upper(), "").strip() or None


def _valid(value: str) -> bool:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port
    except ValueError:
        return False
    spaces = any(char.isspace() or not char.isprintable() for char in value)
    bare_word = "://" not in value and "." not in value and ":" not in value and value != "localhost"
    return bool(parts.hostname) and parts.scheme in SCHEMES and not spaces and not bare_word and port != 0


def _without_password(value: str) -> str:
    before, at, after = value.rpartition("@")
    scheme = before.split("://", 1)[0] + "://" if "://" in before else ""
    return f"{scheme}***@{after}" if at else value


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
