"""`archfb doctor`: what is wrong here, and what to do."""

from typing import TYPE_CHECKING, Annotated

import typer

from archfb.commands.options import Json
from archfb.session import Session, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archfb.config.model import Config
    from archfb.diagnosis.finding import Finding
    from archfb_state.store import Store

INDENT = 7


def doctor(
    ctx: typer.Context,
    network: Annotated[
        bool, typer.Option("--network", help="Also connect to each provider's host; no key is sent.")
    ] = False,
    json: Json = False,
) -> int:
    """Check versions, configuration, keys (never their values), models, state, clock, proxies and schedule.

    Every finding says what to do. Exits 1 where something is wrong. Example: archfb doctor --network
    """
    from archfb.output import print_json, write

    found = list(findings(session(ctx), network=network))
    bad = any(one.level == "wrong" for one in found)
    if json:
        print_json({"schema": 1, "ok": not bad, "findings": [one.to_json() for one in found]})
    else:
        write("".join(map(told, found)))
    return int(bad)


def told(one: "Finding") -> str:
    """Return a finding as lines that the terminal need not wrap."""
    import os
    import sys
    import textwrap

    from archfb.output import is_terminal, width_of
    from archfb.text import clean

    room = max(20, width_of(sys.stdout, os.environ)) if is_terminal(sys.stdout) else 10_000
    lead = " " * INDENT
    what = textwrap.fill(
        clean(one.what, one_line=True), room, initial_indent=f"{one.level:{INDENT}}", subsequent_indent=lead
    )
    do = textwrap.fill(clean(one.do, one_line=True), room, initial_indent=lead, subsequent_indent=lead)
    return f"{what}\n{do}\n" if one.do else f"{what}\n"


def findings(session: Session, *, network: bool) -> "Iterator[Finding]":
    """Yield what was looked at; a configuration that cannot be read leaves out what needs one."""
    from archfb.diagnosis import configured, program, scheduled
    from archfb.diagnosis.network import proxies
    from archfb.errors import ConfigurationError

    yield from program.versions()
    yield program.sqlite()
    try:
        config = session.load()
    except ConfigurationError as error:
        yield from configured.broken(error)
    else:
        yield from configured.sources(config)
        yield from with_configuration(session, config, network=network)
    yield from proxies(session.environ)
    yield from scheduled.schedule(session.environ)


def with_configuration(session: Session, config: "Config", *, network: bool) -> "Iterator[Finding]":
    """Yield what a configuration leads to."""
    from pathlib import Path

    from archfb.diagnosis import configured, stored
    from archfb.diagnosis.finding import Finding
    from archfb.diagnosis.network import reached
    from archfb_state.store import StoreBusy, StoreUnusable

    yield from configured.keys(config, session.environ)
    path = session.state_path(config)[0]
    before = list(stored.place(path))
    yield from before
    if "://" not in path and not Path(path).exists():
        yield Finding("ok", "state", f"No state yet at {path}; the first run makes it.")
    try:
        store = session.peek(config)
    except (StoreUnusable, StoreBusy) as error:
        if not any(str(error) == one.what for one in before):
            yield Finding("wrong", "state", str(error), "Name another file with --state.")
        yield from configured.models(config, {})
    else:
        try:
            yield from remembered(session, config, path, store)
        finally:
            store.close()
    if network:
        yield from reached(config, session.environ)


def remembered(session: Session, config: "Config", path: str, store: "Store") -> "Iterator[Finding]":
    """Yield what the state tells: whether it is sound, of the clock, the models, and the probes."""
    from pathlib import Path

    from archfb.diagnosis import configured, scheduled, stored
    from archfb.errors import ConfigurationError
    from archfb.probing.last_round import last_round
    from archfb.routing.roster import roster

    if "://" in path or Path(path).exists():
        yield from stored.soundness(path, store)
    rows = store.snapshot()
    yield from stored.clock(rows)
    try:
        members = roster(config, session.environ, store.salt)
    except ConfigurationError:  # a key that no header can carry, told already
        members = roster(config, {}, store.salt)
    yield from configured.models(config, stored.retired(config, members, rows))
    planned = any(one is not None for one in scheduled.installed(session.environ))
    yield scheduled.last_round(last_round(store), rows.at, config.health.interval, scheduled=planned)
