"""`archfb metrics`: Prometheus text from stored state."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from archfb.session import Session, session

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        from archfb.metrics.stored import stored

        write_utf8(stored(config, one.state_path(config)[0], one.environ))
    return 0


def export(session: Session, config: "Config", path: str) -> None:
    """Write the metrics of the stored state to a file. Raises Unwritable."""
    from archfb.metrics.stored import stored
    from archfb.metrics.textfile import check, write

    check(path)
    write(path, stored(config, session.state_path(config)[0], session.environ))


@contextmanager
def served(session: Session, config: "Config", where: str | None) -> "Iterator[None]":
    """Answer for metrics and health while the block runs, if an address was asked for, and say where.

    Raises UsageError where nobody can listen there. The requests are answered in threads that read the state anew.
    """
    if where is None:
        yield
        return
    from archfb.commands.table import verdict_of
    from archfb.metrics.serve import address, is_loopback, pages, serving

    answers = pages(config, session.state_path(config)[0], session.environ, verdict_of)
    with serving(address(where), answers) as at:
        session.note(f"Metrics are at http://{at}/metrics.")
        if not is_loopback(at.host):
            session.warn(f"whoever reaches {at} can read the metrics; there is no password.")
        yield


def write_utf8(text: str) -> None:
    """Write to stdout in UTF-8, whatever the locale: two names that are shown as '??' would be one series."""
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    raw.write(text.encode())
