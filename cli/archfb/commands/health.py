"""`archfb health`: probes what is due, records it, shows the table and answers like a monitoring plugin."""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import typer

from archfb.commands import options as opt
from archfb.commands.table import say_unknown, show_table, stored_table, verdict_of
from archfb.commands.telling import begin, finish, nothing_due
from archfb.commands.watch import Wishes, probe_on, refuse, with_interval
from archfb.session import Session, session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from archfb.alerts.rounds import Telling
    from archfb.config.model import Config
    from archfb.probing.round import ProbeResult
    from archfb.routing.table import StatusTable
    from archfb.verdict import Verdict


NOT_SAVED = "The state cannot be written: what was found is not kept."


class Round(NamedTuple):
    """A round of probes, the table after it, whether any of it will be remembered, and what is being told of it."""

    table: "StatusTable"
    probes: "list[ProbeResult]"
    saved: bool
    telling: "Telling | None"


def health(
    ctx: typer.Context,
    all_: opt.All = False,
    model: opt.Models = None,
    phase: opt.OfPhase = None,
    if_stale: opt.IfStale = None,
    json: opt.Json = False,
    nagios: opt.Nagios = False,
    textfile: opt.Textfile = None,
    lock: opt.Lock = "skip",
    jitter: opt.Jitter = 0,
    max_age: opt.MaxAge = None,
    watch: opt.Watch = False,
    interval: opt.Interval = None,
    serve: opt.Serve = None,
) -> int:
    """Probe what is due and show the table. --quiet prints nothing when all is well.

    --watch keeps going on the terminal's other screen; piped it writes a line, with --json an object, for each
    change of status.

    Exit code: 0 well, 1 some model is degraded or unavailable, 2 a chain has no usable model left, 3 could not tell.
    """
    from archfb.errors import UsageError
    from archfb.verdict import UNKNOWN, Verdict, selected

    if json and nagios:
        raise UsageError("Choose one output: --json or --nagios.")
    if textfile is not None:
        from archfb.metrics.textfile import check

        check(textfile)
    one = session(ctx)
    if watch:
        alone = {"--nagios": nagios, "--if-stale": if_stale is not None, "--max-age": max_age is not None}
        refuse(alone, "is for a single round; --watch keeps going.")
        config = with_interval(one.load(), interval)
        known(config, model or [], phase)
        return probe_on(one, config, Wishes(model or [], phase, json, all_, jitter, lock, textfile, serve))
    refuse({"--interval": interval is not None, "--serve": serve is not None}, "needs --watch.")
    config = one.load()
    known(config, model or [], phase)
    table = stored_table(one, config, model or [])
    view = selected(table, model or [], phase, config.chains)
    probes, saved, telling = [], True, None
    if not wanted(config, one, view, if_stale, everything=all_):
        telling, saved = nothing_due(one, config, table)
    elif (after := round_made(one, config, lock, jitter, everything=all_, models=model, phase=phase)) is not None:
        view, probes, saved = selected(after.table, model or [], phase, config.chains), after.probes, after.saved
        telling = after.telling
    found = verdict_of(config, view, max_age) if saved else Verdict(UNKNOWN, NOT_SAVED)
    if textfile is not None:
        from archfb.commands.metrics import export

        export(one, config, textfile)
    say(one, view, found, probes, json=json, nagios=nagios)
    finish(one, config, telling)
    return found.code


def say(
    session: Session,
    view: "StatusTable",
    found: "Verdict",
    probes: "Sequence[ProbeResult]",
    *,
    json: bool,
    nagios: bool,
) -> None:
    """Print the table and what was probed, or a monitoring plugin's line."""
    from archfb.output import write
    from archfb.verdict import nagios as plugin_line

    if nagios:
        write(plugin_line(view, found) + "\n")
        return
    quiet = session.quiet and found.code == 0
    show_table(view, json=json, quiet=quiet, probes=[probe.to_json() for probe in probes])
    say_unknown(session, found)


def known(config: "Config", models: "Sequence[str]", phase: str | None) -> None:
    """Raise UsageError for an unknown model or phase."""
    from archfb.config.model import PHASES
    from archfb.suggest import one_of

    for name in models:
        one_of(name, config.models, "model")
    if phase is not None:
        one_of(phase, PHASES, "phase")


def wanted(
    config: "Config", session: Session, view: "StatusTable", if_stale: float | None, *, everything: bool
) -> bool:
    """Say whether any probe is to be made, from stored state alone and without the HTTP stack."""
    from archfb.verdict import is_stale

    if if_stale is not None and not any(is_stale(row, view.at, if_stale) for row in view.models if row.keyed):
        return False
    return everything or bool(due_now(config, session, [row.name for row in view.models if row.keyed]))


def due_now(config: "Config", session: Session, names: "Sequence[str]") -> list[str]:
    """Return the models that are due for a probe."""
    from archfb.routing.roster import roster
    from archfb_state.core.due import due

    store = session.peek(config)
    try:
        members, rows = roster(config, session.environ, store.salt), store.snapshot()
    finally:
        store.close()
    able = [members[name] for name in names if members[name].model.probe != "none" and not members[name].offline]
    return [one.model.name for one in able if due(one.ref, rows, config.settings, rows.at) is not None]


def round_made(
    session: Session,
    config: "Config",
    lock: Literal["skip", "wait", "fail"],
    jitter: float,
    *,
    everything: bool,
    models: list[str] | None,
    phase: str | None,
) -> Round | None:
    """Make a round of probes under the probe lock; None, and a note, where another process is making one."""
    with locked(session, config, lock) as other:
        if other is not None:
            session.note(f"Another probe (pid {other}) is running; this is what is stored.")
            return None
        wait(session, jitter)
        round_: Round = session.run(probed(session, config, everything=everything, models=models, phase=phase))
        return round_


def locked(
    session: Session, config: "Config", lock: Literal["skip", "wait", "fail"]
) -> "AbstractContextManager[int | None]":
    """Hold the probe lock; gives the pid of who holds it instead."""
    from archfb.probing.lock import probe_lock

    path, explicit = session.state_path(config)
    return probe_lock(path, lock, sleep=session.sleep, default=not explicit)


def wait(session: Session, jitter: float) -> None:
    """Wait a random part of the jitter, so that many machines do not probe at once."""
    if jitter > 0:
        import random

        session.sleep(random.uniform(0, jitter))  # noqa: S311 - spreading load, not secrecy


async def probed(
    session: Session, config: "Config", *, everything: bool, models: list[str] | None, phase: str | None
) -> Round:
    """Make one round of probes."""
    from archfb.eventlog import observers
    from archfb.routing.router import Router
    from archfb.views.live import Lines

    store = session.open(config)
    try:
        observe: Any = observers(session, Lines(session.verbose, quiet=session.quiet))
        async with Router.open(config, environ=session.environ, store=store, observe=observe) as router:
            started_at = store.now()
            results = await router.probe(everything, models=models, phase=phase)
            table = router.status(models or ())
            telling = begin(session, config, store, table, started_at) if store.opened.saving else None
            return Round(table, results, store.opened.saving, telling)
    finally:
        session.close(store)
