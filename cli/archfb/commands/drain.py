"""`archfb drain`, `undrain` and `reset`: what a person decides about a model, always with who, why and until when."""

from typing import TYPE_CHECKING, Annotated

import typer

from archfb import completion
from archfb.session import Session, session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb_state.store import Store

ModelName = Annotated[
    str,
    typer.Argument(help="The model's name in the configuration.", metavar="MODEL", autocompletion=completion.models),
]


def drain(
    ctx: typer.Context,
    model: ModelName,
    for_: Annotated[str, typer.Option("--for", metavar="SPAN", help="How long: 30m, 2h, 7d.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; shown in the table.")],
) -> int:
    """Take a model out by hand; it comes back by itself."""
    from archfb.errors import UsageError
    from archfb.spans import span
    from archfb.text import clean
    from archfb.views.phrases import instant

    one = session(ctx)
    seconds = span(for_, "--for")
    reason = clean(why, one_line=True, limit=200)
    if not reason:
        raise UsageError("--why is empty; say why, for whoever finds the model missing.")
    store = opened(one, model)
    try:
        until = store.now() + seconds
        store.drain(model, by=who(one.environ), why=reason, until=until)
    finally:
        store.close()
    one.note(f"{model} is drained until {instant(until)} UTC. Put it back with: archfb undrain {model}")
    return 0


def undrain(ctx: typer.Context, model: ModelName) -> int:
    """Put a drained model back."""
    one = session(ctx)
    store = opened(one, model)
    try:
        was = store.undrain(model, by=who(one.environ))
    finally:
        store.close()
    one.note(f"{model} is back." if was else f"{model} was not drained.")
    return 0


def reset(ctx: typer.Context, model: ModelName) -> int:
    """Forget a model's record, its deployment's and its account's; attempts and counters stay."""
    from archfb.routing.roster import roster

    one = session(ctx)
    config = one.load()
    store = opened(one, model)
    try:
        store.reset(roster(config, one.environ, store.salt)[model].ref, by=who(one.environ))
    finally:
        store.close()
    one.note(f"{model} starts afresh.")
    return 0


def opened(session: Session, model: str) -> "Store":
    """Open the state for a model that the configuration has.

    Raises UsageError for another name, and StateError where nothing would be saved.
    """
    from archfb.errors import StateError
    from archfb.suggest import one_of

    config = session.load()
    one_of(model, config.models, "model")
    store = session.open(config)
    if not store.opened.saving:
        store.close()
        raise StateError("The state cannot be written, so that this would be forgotten at once.")
    return store


def who(environ: "Mapping[str, str]") -> str:
    """Return who is at the keyboard, by name or number."""
    import os

    from archfb.text import clean

    found = environ.get("SUDO_USER") or environ.get("LOGNAME") or environ.get("USER") or f"uid {os.getuid()}"
    return clean(found, one_line=True, limit=60)
