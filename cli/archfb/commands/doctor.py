"""`archfb doctor`: what is wrong here, and what to do."""

import platform
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from archfb.session import Session, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archfb.config.model import Config

WAL_FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""SQLite releases from which, within their line, the WAL-reset bug is fixed."""


class Finding(NamedTuple):
    """One line of the report: how it is ("ok", "note" or "wrong"), what, and what to do about it."""

    level: str
    what: str
    do: str = ""


def doctor(
    ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> int:
    """Check versions, configuration, keys (never their values), state and proxies.

    Exits 1 where something is wrong.
    """
    from archfb.output import print_json, write
    from archfb.text import clean

    found = list(findings(session(ctx)))
    if json:
        print_json({"schema": 1, "findings": [one._asdict() for one in found]})
    else:
        for one in found:
            write(f"{one.level:5}  {clean(one.what, one_line=True)}\n")
            if one.do:
                write(f"       {clean(one.do, one_line=True)}\n")
    return int(any(one.level == "wrong" for one in found))


def findings(session: Session) -> "Iterator[Finding]":
    """Yield what was looked at, in the order of how often it is the cause."""
    from archfb.errors import ArchfbError

    yield versions()
    yield sqlite()
    try:
        config = session.load()
    except ArchfbError as error:
        yield Finding("wrong", f"The configuration has mistakes: {error.message}", "See `archfb config check`.")
        return
    yield Finding("ok", f"Configuration from {', '.join(layer.path for layer in config.layers)}.")
    yield from keys(session, config)
    yield from stored(session, config)
    yield from proxies(session)


def versions() -> Finding:
    """Return which versions run here."""
    from archfb.version import __version__

    return Finding(
        "ok", f"archfb {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}."
    )


def sqlite() -> Finding:
    """Return whether SQLite has the bug that can lose a WAL."""
    import sqlite3

    version = sqlite3.sqlite_version_info
    fixed = version >= WAL_FIXED[0] or any(line[:2] == version[:2] and version >= line for line in WAL_FIXED[1:])
    if fixed:
        return Finding("ok", f"SQLite {sqlite3.sqlite_version}.")
    return Finding("note", f"SQLite {sqlite3.sqlite_version} has a known WAL bug; safe mode on.")


def keys(session: Session, config: "Config") -> "Iterator[Finding]":
    """Yield which keys are set, by the names of their variables, and what is wrong with their characters."""
    from archfb.config.actions import key_states

    for one in key_states(config, session.environ):
        if not one.models or one.variable is None:
            continue
        if one.state == "set":
            yield Finding("ok", f"{one.variable} is set (used by {', '.join(one.models)}).")
        elif one.sentence is not None:
            yield Finding("wrong" if one.state == "invalid" else "note", one.sentence)


def stored(session: Session, config: "Config") -> "Iterator[Finding]":
    """Yield where the state is and whether it is sound."""
    from pathlib import Path

    from archfb_state.store import StoreBusy, StoreUnusable

    path = session.state_path(config)[0]
    if "://" not in path and not Path(path).exists():
        yield Finding("ok", f"No state yet at {path}; the first run makes it.")
        return
    try:
        store = session.peek(config)
    except (StoreUnusable, StoreBusy) as error:
        yield Finding("wrong", str(error), "Name another file with --state.")
        return
    try:
        problems = store.check()
    finally:
        store.close()
    yield from (Finding("wrong", problem, "See `archfb state check`.") for problem in problems)
    if not problems:
        yield Finding("ok", f"State at {path} is sound.")


def proxies(session: Session) -> "Iterator[Finding]":
    """Yield the proxy variables that are no URL."""
    from archfb.config.urls import proxy_problems

    yield from (
        Finding("wrong", problem, "Write http://host:port, or unset it.")
        for problem in proxy_problems(session.environ)
    )
