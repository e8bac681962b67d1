"""`archfb state`: the database."""

from typing import Annotated

import typer

from archfb.session import session

state = typer.Typer(add_completion=False, rich_markup_mode=None, help="Find, check, copy or move the database.")


@state.command()
def path(ctx: typer.Context) -> int:
    """Print where the state is."""
    from archfb.config.shown import address
    from archfb.output import write
    from archfb.text import clean

    one = session(ctx)
    write(clean(address(one.state_path(one.load())[0])) + "\n")
    return 0


@state.command()
def check(ctx: typer.Context) -> int:
    """Say what is wrong with the state; exit 1 where something is."""
    from pathlib import Path

    from archfb.output import write
    from archfb.text import clean

    one = session(ctx)
    config = one.load()
    where = one.state_path(config)[0]
    store = one.peek(config)
    try:
        problems = store.check()
    finally:
        store.close()
    for problem in problems:
        write(clean(problem) + "\n")
    if not problems:
        one.note("The state is sound." if "://" in where or Path(where).exists() else "There is no state yet.")
    return 1 if problems else 0


@state.command()
def backup(
    ctx: typer.Context, to: Annotated[str, typer.Argument(help="Where the copy goes.", metavar="PATH")]
) -> int:
    """Write a consistent copy, also while others write."""
    from pathlib import Path

    from archfb.errors import UsageError

    if Path(to).exists():
        raise UsageError(f"{to} exists already.", hint="Name a file that does not.")
    one = session(ctx)
    store = one.peek(one.load())
    try:
        store.backup(to)
    except OSError as error:
        raise UsageError(f"Cannot write {to}: {error.strerror or error}.") from error
    finally:
        store.close()
    one.note(f"Copied to {to}.")
    return 0


@state.command()
def prune(ctx: typer.Context) -> int:
    """Drop attempts older than keep_days.

    Their hourly totals stay for 400 days.
    """
    from archfb.views.phrases import count

    one = session(ctx)
    config = one.load()
    store = one.open(config)
    try:
        gone = store.prune(keep_days=config.keep_days, steps=10_000)
    finally:
        store.close()
    one.note(f"{count(gone, 'attempt')} older than {count(config.keep_days, 'day')} dropped.")
    return 0


@state.command()
def migrate(
    ctx: typer.Context,
    source: Annotated[str, typer.Option("--from", metavar="STATE", help="The state there is: a file or a URL.")],
    target: Annotated[str, typer.Option("--to", metavar="STATE", help="Where it goes: postgresql://… or a file.")],
) -> int:
    """Move a state from a file to PostgreSQL, or back.

    The target must not hold a state yet; the source is left as it is.
    """
    from archfb.config.folders import expand
    from archfb.config.shown import address
    from archfb.errors import StateError
    from archfb.views.phrases import count
    from archfb_state.storage.postgres_failures import Away
    from archfb_state.storage.transfer import migrate
    from archfb_state.store import StoreUnusable

    one = session(ctx)
    config = one.load()
    from_here, to_there = expand(source, one.environ), expand(target, one.environ)
    try:
        moved = migrate(from_here, to_there, vantage=config.vantage or "")
    except Away as error:
        raise StateError(f"{error}.") from error
    except StoreUnusable as error:
        raise StateError(str(error)) from error
    one.note(f"{count(moved, 'attempt')} and all that was learned from them are at {address(to_there)} now.")
    return 0
