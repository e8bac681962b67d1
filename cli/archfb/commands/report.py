"""`archfb report`: one self-contained page."""

from typing import Annotated

import typer

from archfb.commands.options import Since
from archfb.session import session


def report(
    ctx: typer.Context,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE.html", help="Where the page goes; it is replaced. - is stdout.")
    ],
    since: Since = "7d",
) -> int:
    """Write one page of status, history, cost and runs. It needs no network to be read.

    Example: archfb report --out report.html --since 30d
    """
    from archfb.report.file import check, write
    from archfb.report.page import page
    from archfb.report.reading import read
    from archfb.spans import span
    from archfb.whole_file import descriptor

    back = span(since, "--since")
    to_stdout = out == "-" or descriptor(out) == 1
    if not to_stdout:
        check(out)
    one = session(ctx)
    config = one.load()
    store = one.peek(config)
    try:
        text = page(read(config, store, one.environ, back))
    finally:
        store.close()
    if to_stdout:
        typer.echo(text)
        return 0
    write(out, text)
    one.note(f"Written: {out}")
    return 0
