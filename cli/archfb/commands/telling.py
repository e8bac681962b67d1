"""What follows a round of probes: alerts and the dead man's switch, in nobody's way."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from archfb.alerts.rounds import Telling
    from archfb.config.model import Config
    from archfb.routing.table import StatusTable
    from archfb.session import Session
    from archfb_state.store import Store

UNSTORED = (StoreBusy, StoreUnusable, sqlite3.Error)
"""What may go wrong with the state; it says so itself where that matters, and is no reason for another exit code."""


def begin(session: Session, config: Config, store: Store, table: StatusTable, started_at: float) -> Telling | None:
    """Begin to tell what a round that began then (Unix seconds, by the store's clock) has brought."""
    if not _tells(config):
        return None
    from archfb.alerts.rounds import after_round
    from archfb.probing.last_round import last_round

    with suppress(*UNSTORED):
        complete = (last_round(store) or 0.0) >= started_at
        return after_round(config, store, table, session.environ, complete=complete)
    return None


def nothing_due(session: Session, config: Config, table: StatusTable) -> tuple[Telling | None, bool]:
    """Take a round in which nothing was due for complete: its models are known to be watched all the same.

    It is written down once an interval, since opening the state to write is most of what such a round costs.
    Returns what is being told of it, and False where it should have been written down and could not be.
    """
    from archfb.verdict import OFFLINE_ACCOUNT

    if not any(one.keyed and one.account != OFFLINE_ACCOUNT for one in table.models):
        return None, True
    if not _tells(config) and not _overdue(session, config):
        return None, True
    from archfb.probing.last_round import remember

    with suppress(*UNSTORED):
        store = session.open(config)
        try:
            if not store.opened.saving:
                return None, False
            started_at = store.now()
            remember(store)
            return begin(session, config, store, table, started_at), True
        finally:
            session.close(store)
    return None, False


def _tells(config: Config) -> bool:
    return bool(config.alerts.webhook or config.alerts.command or config.alerts.ping)


def _overdue(session: Session, config: Config) -> bool:
    """Whether no round was completed within an interval."""
    from archfb.probing.last_round import last_round

    store = session.peek(config)
    try:
        last = last_round(store)
        return last is None or not 0 <= store.now() - last < config.health.interval
    finally:
        store.close()


def finish(session: Session, config: Config, telling: Telling | None) -> None:
    """Wait until everything has arrived or failed, remember what has, and say what has not."""
    if telling is None:
        return
    sys.stdout.flush()
    telling.wait()
    if telling.to_remember:
        with suppress(*UNSTORED):
            store = session.open(config)
            try:
                telling.settle(store)
            finally:
                session.close(store)
    for note in telling.notes():
        session.note(note)
