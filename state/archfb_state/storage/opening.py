"""Opening the state: to use it, or only to look at it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from archfb_state.storage.examination import MOUNTS, examine
from archfb_state.storage.url import is_url
from archfb_state.storage.way import Core, Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from archfb_state.storage.sqlite_reports import Observe, Settle
    from archfb_state.store import Store


def open_state(
    path: str | None,
    *,
    patience: float = 10.0,
    clock: Callable[[], float] = time.time,
    explicit: bool = True,
    warn: Callable[[str], None] | None = None,
    observe: Observe | None = None,
    settle: Settle | None = None,
    rng: Random | None = None,
    mounts: str = MOUNTS,
    vantage: str = "",
    folder: str | None = None,
) -> Store:
    """Open the state at a path or a postgresql:// URL, creating and migrating it as needed.

    `patience` (seconds) bounds every wait for a lock. `explicit` says that the path was asked for by name: then a
    network disk is an error. Whatever can be survived is: the store goes on in memory, `opened.saving` is False,
    `opened.notes` say why, and what comes up later is given to `warn`, too. `:memory:` or None saves nothing.
    `observe`, `settle` and `rng` stand in for the decision core's, `mounts` for the system's list of file systems.
    On PostgreSQL health is shared within a `vantage`, and `folder` holds what is kept while the server is away.
    Raises StoreUnusable with a sentence for a path that must not be used.
    """
    from archfb_state.storage.lasting_store import LastingStore
    from archfb_state.storage.memory_store import MemoryStore

    core = Core(clock, observe, settle, rng)
    if path is None or path == ":memory:":
        return MemoryStore(clock=clock, observe=observe, settle=settle, rng=rng)
    if is_url(path):
        from archfb_state.storage.postgres_opening import open_shared

        return open_shared(path, core, patience=patience, vantage=vantage, folder=folder, warn=warn)
    return LastingStore(Way(os.path.abspath(path), patience, explicit, core, mounts), warn)  # noqa: PTH100


def peek(
    path: str,
    *,
    patience: float = 1.0,
    clock: Callable[[], float] = time.time,
    vantage: str = "",
    folder: str | None = None,
    warn: Callable[[str], None] | None = None,
) -> Store:
    """Open the state only to read it: nothing is created, migrated or written; an absent file is an empty state.

    So is one that turns out damaged while it is read, of which `warn` is told.
    """
    if is_url(path):
        from archfb_state.storage.postgres_opening import peek_shared

        return peek_shared(path, Core(clock), patience=patience, vantage=vantage, folder=folder)
    from archfb_state.storage.peeking_store import PeekingStore

    path = os.path.abspath(path)  # noqa: PTH100
    return PeekingStore(path, exists=examine(path).exists, patience=patience, clock=clock, warn=warn)
