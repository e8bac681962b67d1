"""What `status` and `health` share: the table read, shown and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.config.model import Config
    from archfb.routing.table import StatusTable
    from archfb.session import Session
    from archfb.verdict import Verdict


def stored_table(session: Session, config: Config, named: Sequence[str] = ()) -> StatusTable:
    """Return the table from stored state, with the models `named` here too; nothing is created or written."""
    from archfb.routing.roster import roster
    from archfb.routing.table import status_table

    store = session.peek(config)
    try:
        return status_table(config, roster(config, session.environ, store.salt), store.snapshot(), named)
    finally:
        store.close()


def show_table(
    table: StatusTable, *, json: bool, quiet: bool = False, probes: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Print the table to stdout, as JSON or for people."""
    from archfb.output import console, print_json

    if json:
        print_json(table.to_json(probes))
    elif not quiet:
        from archfb.views.status_table import status_view

        target = console()
        target.print(status_view(table, target.width))


def verdict_of(config: Config, table: StatusTable, max_age: float | None = None) -> Verdict:
    """Return the exit code that a table stands for."""
    from archfb.verdict import verdict

    unprobed = {name for name, model in config.models.items() if model.probe == "none"}
    return verdict(table, interval=config.health.interval, max_age=max_age, unprobed=unprobed)


def say_unknown(session: Session, found: Verdict) -> None:
    """Say on stderr why it could not be told how the models are."""
    from archfb.verdict import UNKNOWN

    if found.code == UNKNOWN:
        session.note(found.sentence, level=-1)
