"""Where words go: data to stdout, everything else to stderr, in what the reader's terminal can show."""

from __future__ import annotations

import os
import re
import sys
from typing import IO, TYPE_CHECKING, Any

from archfb.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, RenderableType

DEFAULT_WIDTH = 80
PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe: wide enough that no row is cut."""

_KEY_LIKE = re.compile(r"(?<![A-Za-z0-9])(?:sk|gsk|xai|pplx|AIza|ya29|ghp|hf)[-_.]?[A-Za-z0-9_\-]{16,}")
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def mask(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return a text without anything that looks like a key or is one of this environment's."""
    for name, value in (os.environ if environ is None else environ).items():
        if len(value) >= 8 and name.endswith(("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")):
            text = text.replace(value.strip(), "(hidden)")
    return _KEY_LIKE.sub("(hidden)", text)


def prepare_streams(environ: Mapping[str, str]) -> None:
    """Make stdout and stderr unable to raise on any text: what they cannot show becomes '?'.

    One that was closed by the caller becomes a sink, so that no file opened later takes its number.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115, PTH123 - for the process
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        ascii_only = wants_ascii(environ) or not _speaks_unicode(stream)
        reconfigure(encoding="ascii" if ascii_only else None, errors="replace")


def wants_ascii(environ: Mapping[str, str]) -> bool:
    """Say whether the locale is C by name.

    Python itself moves LC_CTYPE to C.UTF-8 when the locale is C, so that LC_CTYPE says nothing then.
    """
    named = environ.get("LC_ALL") or _typed_ctype(environ) or environ.get("LANG") or ""
    return named in {"C", "POSIX"}


def _typed_ctype(environ: Mapping[str, str]) -> str | None:
    ctype = environ.get("LC_CTYPE")
    return None if ctype in {"C.UTF-8", "C.utf8", "UTF-8"} else ctype


def _speaks_unicode(stream: IO[str]) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf")


def plain_json(value: Any) -> Any:
    """Return a value that any JSON reader takes: inert strings, no NaN or infinity."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {plain_json(str(key)): plain_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_json(one) for one in value]
    return value


def json_text(document: Any) -> str:
    """Return one JSON document in ASCII, with U+FFFD in place of what could harm a reader."""
    import json

    return json.dumps(plain_json(document), indent=2, ensure_ascii=True, allow_nan=False, default=str)


def print_json(document: Any) -> None:
    """Print one JSON document to stdout."""
    write(json_text(document) + "\n")


def write(text: str) -> None:
    """Write to stdout as it is; foreign text goes through `archfb.text.clean` before it comes here."""
    sys.stdout.write(text)


def say(text: str, *, style: str = "") -> None:
    """Write one cleaned line to stderr; `style` is an SGR code, used only where colour is wanted."""
    line = clean(text)
    if style and coloured(sys.stderr, os.environ):
        line = f"\x1b[{style}m{line}\x1b[0m"
    complain(line + "\n")


def complain(text: str) -> None:
    """Write to stderr; a stderr that nobody reads is no reason to fail."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def coloured(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Say whether a stream gets colour: NO_COLOR wins, then FORCE_COLOR, then a terminal that is not dumb."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and environ.get("TERM", "") not in {"dumb", "unknown"}


def is_terminal(stream: IO[str]) -> bool:
    """Say whether a person may be looking at a stream."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def width_of(stream: IO[str], environ: Mapping[str, str]) -> int:
    """Return the columns to fill: COLUMNS, the terminal's, or a width for files; never 0."""
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and 0 < int(columns) <= 10_000:
        return int(columns)
    if not is_terminal(stream):
        return PIPED_WIDTH
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH


def console(stream: IO[str] | None = None, environ: Mapping[str, str] | None = None) -> Console:
    """Return a console on a stream (default stdout) that never reads markup and never wraps by itself."""
    from rich.console import Console

    target = sys.stdout if stream is None else stream
    variables = os.environ if environ is None else environ
    colour = coloured(target, variables)
    made = Console(
        file=target,
        width=width_of(target, variables),
        color_system="auto" if colour else None,
        force_terminal=True if colour else None,
        no_color=not colour,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    made.on_broken_pipe = _broken_pipe  # type: ignore[method-assign]
    return made


def _broken_pipe() -> None:
    """Leave it to the door; rich itself would end the process with 1, which means something else here."""
    raise BrokenPipeError


def show(what: RenderableType, stream: IO[str] | None = None) -> None:
    """Render something to a stream (default stdout)."""
    try:
        console(stream).print(what, soft_wrap=False)
    except BrokenPipeError:
        if stream is not sys.stderr:
            raise
