"""`archfb metrics`: Prometheus text from stored state."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from archfb.session import Session, session

if TYPE_CHECKING:
    from archfb.config.model import Config


def metrics(
    ctx: typer.Context,
    textfile: Annotated[
        str | None, typer.Option("--textfile", metavar="PATH.prom", help="Replace this file instead of printing.")
    ] = None,
) -> int:
    """Print Prometheus metrics from stored state; no request is made.

    Counters live in the state, so they never go back when a process ends.
    """
    one = session(ctx)
    config = one.load()
    if textfile is not None:
        export(one, config, textfile)
    else:
        from archfb.metrics.reading import stored

        write_utf8(stored(config, one.state_path(config)[0], one.environ))
    return 0


def export(session: Session, config: "Config", path: str) -> None:
    """Write the metrics of the stored state to a file. Raises Unwritable."""
    from archfb.metrics.reading import stored
    from archfb.metrics.textfile import check, write

    check(path)
    write(path, stored(config, session.state_path(config)[0], session.environ))


def write_utf8(text: str) -> None:
    """Write to stdout in UTF-8, whatever the locale: two names that are shown as '??' would be one series."""
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    raw.write(text.encode())
