"""`archfb status`: the table from stored state alone."""

from typing import Annotated

import typer

from archfb.commands.options import Json, MaxAge
from archfb.session import session


def status(
    ctx: typer.Context,
    json: Json = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 0 to 3, like `health`.")] = False,
    max_age: MaxAge = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking, live; q or Ctrl-C leaves.")] = False,
) -> int:
    """Show the health of every model from stored state; no request is made.

    --watch keeps looking, on the terminal's other screen; piped it writes a line, with --json an object, for each
    change of status.

    With --check the exit code is a monitoring plugin's: 0 well, 1 some model is degraded or unavailable,
    2 a chain has no usable model left, 3 could not tell.
    """
    from archfb.commands.table import say_unknown, show_table, stored_table, verdict_of

    one = session(ctx)
    if watch:
        from archfb.commands.watch import look_on, refuse

        refuse({"--check": check, "--max-age": max_age is not None}, "is for a single look; --watch keeps going.")
        return look_on(one, one.load(), json=json)
    config = one.load()
    table = stored_table(one, config)
    found = verdict_of(config, table, max_age) if check else None
    show_table(table, json=json, quiet=one.quiet and found is not None and found.code == 0)
    if found is None:
        return 0
    say_unknown(one, found)
    return found.code
