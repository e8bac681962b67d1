"""Files of configuration as they are read: found, bounded, decoded, parsed."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.config import shown
from archfb.config.folders import config_folder, expand
from archfb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "fallback.toml"
LIMIT = 1_000_000
DOTS = 60
"""Dots that a line may have outside a comment. TOML's dotted keys take time that grows with the square of them."""

SHIPPED, USER, OPTION, VARIABLE, FOUND = "shipped", "user", "--config", "$ARCHFB_CONFIG", "./fallback.toml"


class Place(NamedTuple):
    """Where a layer would stand: its name, its path, and the path as messages show it."""

    layer: str
    path: str
    shown: str


class Source(NamedTuple):
    """One file that was read and parsed."""

    place: Place
    data: bytes
    text: str
    raw: dict[str, Any]


def shipped_path() -> str:
    """Return the shipped file: in the package, or at the root of the checkout that runs.

    Raises ConfigurationError where there is neither.
    """
    package = Path(__file__).parent.parent
    for candidate in (package / FILE, package.parent.parent / FILE):
        if candidate.is_file():
            return str(candidate)
    raise ConfigurationError(["The shipped fallback.toml is missing; the installation is damaged."])


def places(explicit: str | None, environ: Mapping[str, str], cwd: Path, user_dir: Path | None) -> list[Place]:
    """Return where layers may stand, lowest first. Those of the user and of the working folder need not exist."""
    shipped = shipped_path()
    user = os.path.join(user_dir or config_folder(environ), FILE)  # noqa: PTH118  half the time of Path
    found = [Place(SHIPPED, shipped, shipped), Place(USER, user, user)]
    named = environ.get("ARCHFB_CONFIG", "").strip()
    if explicit is not None:
        found.append(_named(OPTION, explicit, environ, cwd))
    elif named:
        found.append(_named(VARIABLE, named, environ, cwd))
    else:
        found.append(Place(FOUND, str(cwd / FILE), FOUND))
    return found


def _named(layer: str, path: str, environ: Mapping[str, str], cwd: Path) -> Place:
    return Place(layer, str(cwd / expand(path, environ)) if path else "", path)


def read(place: Place) -> Source | None:
    """Return a layer's file, or None where a file that nobody named is not there.

    Raises ConfigurationError with what is wrong with it as a file or as TOML.
    """
    where = shown.file(place.shown)
    try:
        data = read_bytes(place.path)
    except (FileNotFoundError, NotADirectoryError):
        if place.layer not in (OPTION, VARIABLE):
            return None
        via = f" (It is named by {VARIABLE}.)" if place.layer == VARIABLE else ""
        problem = f"No configuration at {where}. Create one with `archfb config init`.{via}"
        raise ConfigurationError([problem]) from None
    except _Unreadable as error:
        raise ConfigurationError([f"{where} {error}"]) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"Cannot read {where}: {reason(error)}."]) from None
    return _parsed(place, data, where)


def read_bytes(path: str) -> bytes:
    """Return at most LIMIT + 1 bytes of a regular file.

    Raises OSError, ValueError, or _Unreadable with what it is instead of a file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        os.close(descriptor)
        raise _Unreadable("is a directory; expected a file.")
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(mode) and not _handed_over(path, mode):
            raise _Unreadable("is not a regular file.")
        os.set_blocking(descriptor, True)
        return file.read(LIMIT + 1)


def digest(data: bytes) -> str:
    """Return the SHA-256 of a file's content, by which trust remembers it."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


class _Unreadable(Exception):
    """It is there, but is no file of text."""


def _handed_over(path: str, mode: int) -> bool:
    """Whether it is a pipe that a shell made for this process, as with `--config <(…)`."""
    return stat.S_ISFIFO(mode) and path.startswith(("/dev/fd/", "/proc/self/fd/", "/dev/stdin"))


def reason(error: Exception) -> str:
    """Return why the system refused, as the end of a sentence."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return "its name holds a NUL byte" if "null" in str(error) else "it cannot be a path"


def _parsed(place: Place, data: bytes, where: str) -> Source:
    import tomllib

    if len(data) > LIMIT:
        raise ConfigurationError([f"{where}: Configuration is larger than 1 MB."])
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{where} is not UTF-8 (byte {error.start})."]) from None
    if text.count(".") > DOTS:
        _refuse_long_keys(text, where)
    try:
        return Source(place, data, text, tomllib.loads(text))
    except ValueError as error:
        raise ConfigurationError(_syntax(error, text, where)) from None
    except RecursionError:
        raise ConfigurationError([f"{where}: The brackets are nested too deeply."]) from None


def _refuse_long_keys(text: str, where: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > DOTS and not line.lstrip().startswith("#"):
            raise ConfigurationError([f"{where} line {number}: This line has more than {DOTS} dots."])


_POSITION = r" \(at (?:line (\d+), column (\d+)|end of document)\)"
_EXPECTED = (
    (r"Expected '=' after a key", "expected '=' after the name of a setting"),
    (r"Expected newline or end of document", "expected the end of the line after the value"),
    (r"Invalid value", 'expected a value: a "text", a number, true, false, a [list] or a {table}'),
    (r"Invalid statement|Invalid initial character", "expected a setting (name = value) or a [table]"),
    (r"Expected '\]\]?' at the end of a table", "expected ']' at the end of a table's name"),
    (r"Unclosed array", "expected ',' or ']' in a list"),
    (r"Unclosed inline table", "expected ',' or '}' in a {table}"),
    (r"Unterminated string|Expected \"|Expected '''|Illegal character '\\n'", "expected a closing quote"),
    (r"Illegal character", "expected a printable character"),
    (
        r"Unescaped '\\'|Invalid hex|Escaped character",
        "expected a TOML escape after '\\'; a text in 'single quotes' needs none",
    ),
    (r"Cannot|Duplicate", "this was already set, or is no table"),
    (r"Invalid date or datetime", "expected a date that exists"),
    (r"Exceeds the limit", "expected a number of fewer digits"),
)


def _syntax(error: ValueError, text: str, where: str) -> list[str]:
    """Return what is wrong with a text that is no TOML; the text itself is not quoted, since it may hold a key."""
    message = str(error)
    if re.match("Cannot|Duplicate", message):
        twice = _twice(text, where)
        if twice:
            return twice
    expected = next((words for pattern, words in _EXPECTED if re.match(pattern, message)), "expected valid TOML")
    position = re.search(_POSITION, message)
    if position and position.group(1):
        return [f"{where} line {position.group(1)}, column {position.group(2)}: {expected}."]
    if position is None:
        return [f"{where}: {expected}."]
    lines = text.split("\n")
    return [f"{where} line {len(lines)}, column {len(lines[-1]) + 1}: {expected}; the file ends here."]


def _twice(text: str, where: str) -> list[str]:
    from archfb.config.lines import Lines

    return [
        f"{where}: '{shown.spelled(path)}' is set twice (lines {', '.join(map(str, lines))})."
        for path, lines in Lines(text).twice()
    ]
