"""`archfb route`: the decision explained; no request is made."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archfb import completion
from archfb.commands.options import Json
from archfb.session import Session, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.config.model import Config
    from archfb.routing.plan import Request
    from archfb.routing.replay import Replay
    from archfb.routing.roster import Member, Roster
    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Attempt, Snapshot
    from archfb_state.settings import Strategy


def route(
    ctx: typer.Context,
    phase: Annotated[
        str | None,
        typer.Argument(
            help="phase1 to phase5, or final; with --replay it may be left out: all of them.",
            metavar="PHASE",
            autocompletion=completion.phases,
        ),
    ] = None,
    repo: Annotated[str | None, typer.Argument(help="The repository it would be about.", metavar="REPO")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Explain this model only.", autocompletion=completion.models),
    ] = None,
    chars: Annotated[
        int, typer.Option("--chars", metavar="N", min=0, help="Characters of context, without a repository.")
    ] = 0,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="SINCE", help="Decide the calls of this time again: 24h, 7d.")
    ] = None,
    strategy: Annotated[
        Literal["balanced", "priority", "fastest", "cheapest"] | None,
        typer.Option("--strategy", help="With --replay: how they would have been decided."),
    ] = None,
    json: Json = False,
) -> int:
    """Explain who would be asked now: every candidate with its score, or why it is left out.

    Example: archfb route phase3 --replay 7d --strategy cheapest
    """
    import time

    from archfb.errors import UnknownName, UsageError
    from archfb.output import console, print_json
    from archfb.routing.json import decision_json

    one = session(ctx)
    if replay is not None:
        if repo is not None or model is not None:
            raise UsageError("--replay takes neither a repository nor --model.")
        return replayed(one, phase, replay, strategy, json=json)
    if strategy is not None:
        raise UsageError("--strategy needs --replay SINCE.", hint="Try --replay 7d.")
    if phase is None:
        raise UnknownName("Missing argument 'PHASE'.")
    decision = decided(one, phase, repo, model, chars)
    if json:
        print_json(decision_json(decision))
    else:
        from archfb.views.route_table import route_view

        target = console()
        target.print(route_view(decision, target.width, time.time()))
    return 0


def decided(session: Session, phase: str, repo: str | None, model: str | None, chars: int) -> "Decision":
    """Return the decision for a context of that size, or of the repository's."""
    import random

    from archfb.config.model import PHASES
    from archfb.routing.plan import Request, decide
    from archfb.routing.prices import price
    from archfb.routing.roster import roster
    from archfb.suggest import one_of

    one_of(phase, PHASES, "phase")
    config = session.load()
    files = languages = 0
    if repo is not None:
        chars, files, languages = context_of(config, repo, phase)
    store = session.peek(config)
    try:
        members = roster(config, session.environ, store.salt)
        request = Request(phase, chars, files, languages, model=model)
        return decide(
            config,
            members,
            store.snapshot(),
            request,
            {},
            lambda one: price(one.model, one.provider),
            config.settings,
            random.Random(),  # noqa: S311 - exploration, not secrecy
        )[0]
    finally:
        store.close()


def replayed(session: Session, phase: str | None, since: str, strategy: "Strategy | None", *, json: bool) -> int:
    """Print what a strategy would have changed over the stored calls of a phase, or of all."""
    from archfb.config.model import PHASES
    from archfb.output import console, print_json
    from archfb.spans import span
    from archfb.suggest import one_of
    from archfb.views.replay_view import replay_json, replay_view

    if phase is not None:
        one_of(phase, PHASES, "phase")
    back = span(since, "--replay")
    config = session.load()
    usual = config.routing.strategy if phase is None else config.strategy(phase)
    found = replay_of(session, config, phase, back, strategy or usual)
    if json:
        print_json(replay_json(found, phase))
    else:
        target = console()
        target.print(replay_view(found, phase, target.width))
    return 0


def replay_of(session: Session, config: "Config", phase: str | None, back: float, strategy: "Strategy") -> "Replay":
    """Return the replay; the attempts of other phases, and probes, tell only how the models were."""
    import random

    from archfb.routing import replay
    from archfb.routing.plan import decide
    from archfb.routing.prices import price
    from archfb.routing.roster import roster

    settings, chance = config.settings, random.Random(replay.SEED)  # noqa: S311 - exploration, not secrecy
    store = session.peek(config)
    try:
        known = roster(config, session.environ, store.salt)
        attempts = [one for one in store.attempts(since=store.now() - back) if one.model in known]
    finally:
        store.close()
    members = {**known, **as_they_were(known, attempts)}
    prices = cache(lambda name: price(members[name].model, members[name].provider))

    def choose(request: "Request", rows: "Snapshot", credits_: "Credits") -> "tuple[Decision, Credits]":
        return decide(config, members, rows, request, credits_, lambda one: prices(one.model.name), settings, chance)

    refs = tuple(members[name].ref for name in config.chained)
    return replay.replay(attempts, strategy, choose, settings, refs, phase=phase)


def as_they_were(members: "Roster", attempts: "Sequence[Attempt]") -> "dict[str, Member]":
    """Return the members that were asked, with the account of then: whoever asked had the key, set here or not."""
    from dataclasses import replace

    from archfb_state.records import ModelRef

    last = {one.model: one for one in attempts}
    return {
        name: replace(members[name], missing=None, ref=ModelRef(name, one.deployment, one.account, one.host))
        for name, one in last.items()
    }


def context_of(config: "Config", repo: str, phase: str) -> tuple[int, int, int]:
    """Return the characters, files and languages of what a phase would ask about a repository."""
    from archfb.phases.context import context
    from archfb.repository.read import read_repository

    found = read_repository(Path(repo))
    return *context(found, config, phase), len(found.languages)
