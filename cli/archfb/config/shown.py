"""Values of a configuration as messages show them: cleaned, short, and never a key."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from archfb.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME_LIMIT = 200
"""Characters of a name."""

KEY_IN_FILE = 'Keys do not belong in the configuration{at}. Name the variable: api_key_env = "…". Value not shown.'
"""The place in it stands for the line, where that is known."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PREFIXES = (
    "(?i)"
    r"(?:sk|pk|rk|gsk|xai|r8|hf|ghp|gho|ghs|glpat|github_pat|nvapi|pplx|tgp|xox[abp])[-_]\S{6,}"
    r"|AIza\S{10,}|AQ\.\S{10,}|eyJ\S{16,}|AKIA\S{8,}|Bearer\s+\S+"
)
_RUN = r"[A-Za-z0-9+=]{20,}"
_HEX = r"(?i)[0-9a-f]{32,}"

KEY_NAMES = frozenset(
    word
    for words in (
        ("api_key", "apikey", "key", "keys", "secret", "secret_key", "token", "api_token", "access_token"),
        ("auth", "auth_token", "authorization", "bearer", "credential", "credentials", "password", "passwd"),
    )
    for word in words
)
"""Names under which people put keys into configurations."""


def looks_like_key(text: str) -> bool:
    """Return whether a text could be a key: a known beginning, or a long unbroken run of letters and digits."""
    text = text.strip()
    if re.match(_PREFIXES, text) or re.search(_HEX, text):
        return True
    kinds = (str.isupper, str.islower, str.isdigit)
    return any(all(any(kind(char) for char in run) for kind in kinds) for run in re.findall(_RUN, text))


def names_a_key(name: str) -> bool:
    """Return whether a setting of this name would hold a key itself."""
    return name.lower().replace("-", "_") in KEY_NAMES


def value(found: object) -> str:
    """Return a value for an error message, on one line and at most 60 characters; a key is not shown."""
    if isinstance(found, str):
        return "a text that looks like a key (not shown)" if looks_like_key(found) else f'"{_short(found, 60)}"'
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, (int, float)):
        return _number(found)
    if isinstance(found, list):
        return "a list"
    return "a table" if isinstance(found, dict) else "a date or time"


def name(found: str) -> str:
    """Return a name for an error message, within quotes; what looks like a key is not shown."""
    return "(not shown)" if looks_like_key(found) else f"'{_short(found, 80)}'"


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or nothing."""
    near = nearest(found[:NAME_LIMIT], list(known)[:NAME_LIMIT])
    return "" if near is None else f" Did you mean {name(near)}?"


def file(path: str) -> str:
    """Return a file's path as messages show it."""
    return _short(path, 300)


def address(text: str) -> str:
    """Return an address without its password, query, and anything in its path that looks like a key."""
    if "://" not in text:
        return text
    scheme, _, rest = text.partition("://")
    rest, mark, _ = rest.partition("?")
    host, slash, tail = rest.partition("/")
    user, at, place = host.rpartition("@")
    user = user.partition(":")[0] + (":…" if ":" in user else "")
    tail = "/".join("…" if looks_like_key(part) else part for part in tail.split("/"))
    return f"{scheme}://{user}{at}{place}{slash}{tail}{'?…' if mark else ''}"


def host_only(url: str) -> str:
    """Return an address without its path, which for a web hook is as good as a password."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return url if rest == host else f"{scheme}://{host}/…"


@lru_cache(maxsize=1024)
def key(part: str) -> str:
    """Return one part of a dotted key, quoted where TOML needs it."""
    if _BARE.fullmatch(part):
        return part
    return '"' + "".join(_escape(char) for char in part) + '"'


def dotted(path: tuple[str, ...]) -> str:
    """Return a path of keys as one dotted key."""
    return ".".join([key(part) for part in path])


def spelled(path: tuple[str, ...]) -> str:
    """Return a path of keys for a message: cleaned, short, without what looks like a key."""
    return ".".join(["(not shown)" if looks_like_key(part) else _short(key(part), 80) for part in path])


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def _short(text: str, limit: int) -> str:
    from archfb.text import clean

    return clean(text[: 4 * limit], limit=limit, one_line=True)


def _number(found: float) -> str:
    try:
        text = f"{found:g}" if isinstance(found, float) else str(found)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 40 else text[:20] + "…"
