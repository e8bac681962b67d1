"""`archfb route`: the decision explained; no request is made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archfb import completion
from archfb.session import Session, session

if TYPE_CHECKING:
    from archfb_state.decisions import Decision


def route(
    ctx: typer.Context,
    phase: Annotated[
        str, typer.Argument(help="phase1 to phase5, or final.", metavar="PHASE", autocompletion=completion.phases)
    ],
    repo: Annotated[str | None, typer.Argument(help="The repository it would be about.", metavar="REPO")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Explain this model only.", autocompletion=completion.models),
    ] = None,
    chars: Annotated[
        int, typer.Option("--chars", metavar="N", min=0, help="Characters of context, without a repository.")
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Explain who would be asked now: every candidate with its score, or why it is left out."""
    import time

    from archfb.output import console, print_json
    from archfb.routing.json import decision_json

    decision = decided(session(ctx), phase, repo, model, chars)
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
        chars, files, languages = context_of(repo)
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


def context_of(repo: str) -> tuple[int, int, int]:
    """Return the characters, files and languages of a repository's overview, as phases 1 and 2 send it."""
    from archfb.repository.pack import overview
    from archfb.repository.read import read_repository

    found = read_repository(Path(repo))
    return len(overview(found, 30_000).text), len(found.files), len(found.languages)
